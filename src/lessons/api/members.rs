//! The lessons that were made from a series, brought up to date with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::lessons::recurrence::{HolidayRule, LessonOccurrence, LessonSeries};
use crate::lessons::store::occurrences::{self, MadeLesson};
use crate::lessons::store::series;

/// What an update did with the lessons of a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChanges {
    pub updated: u64,
    pub removed: Vec<i64>,
    /// Lessons that stay as they are, because a user has edited them.
    pub edited: usize,
}

/// Returns the holidays that matter to the lessons of a series until a day.
pub async fn holidays_of(
    db: &mut PgConnection,
    series: &LessonSeries,
    tutor: Option<i64>,
    to: Date,
) -> Result<BTreeSet<Date>> {
    if series.holidays == HolidayRule::Ignore {
        return Ok(BTreeSet::new());
    }
    // A lesson of the last days may move beyond them, over holidays that lie there.
    let end = to.checked_add(366.days()).unwrap_or(Date::MAX);
    Ok(series::holidays(db, tutor, series.first, end).await?.into_iter().collect())
}

/// Brings the lessons that were made from a series up to date. Those that a user has edited stay.
pub async fn update(
    db: &mut PgConnection,
    id: i64,
    series: &LessonSeries,
    tutor: Option<i64>,
) -> Result<MemberChanges> {
    let made = occurrences::made(db, id).await?;
    let Some(last) = made.last() else { return Ok(MemberChanges::default()) };
    let end = last.day.checked_add(366.days()).unwrap_or(Date::MAX);
    let holidays = holidays_of(db, series, tutor, end).await?;
    let days = series.occurrences(series.first, end, &holidays, usize::MAX).unwrap_or_default();
    let days: BTreeMap<Date, LessonOccurrence> = days.into_iter().map(|one| (one.rule_day(), one)).collect();
    let (edited, unedited): (Vec<&MadeLesson>, Vec<&MadeLesson>) = made.iter().partition(|lesson| lesson.is_edited);
    let is_left = |lesson: &&MadeLesson| lesson.day > series.first && days.contains_key(&lesson.day);
    let (left, gone): (Vec<&MadeLesson>, Vec<&MadeLesson>) = unedited.into_iter().partition(is_left);
    let removed: Vec<i64> = gone.iter().map(|lesson| lesson.id).collect();
    occurrences::delete(db, &removed).await?;
    let renewed: Vec<LessonOccurrence> = left.iter().filter_map(|lesson| days.get(&lesson.day)).copied().collect();
    let updated = occurrences::renew(db, id, &renewed).await?;
    Ok(MemberChanges { updated, removed, edited: edited.len() })
}

/// Removes what was made from a lesson that is no longer recurring; edited lessons stay as lessons of their own.
pub async fn dissolve(db: &mut PgConnection, id: i64) -> Result<()> {
    let made = occurrences::made(db, id).await?;
    let unedited: Vec<i64> = made.iter().filter(|lesson| !lesson.is_edited).map(|lesson| lesson.id).collect();
    occurrences::delete(db, &unedited).await?;
    occurrences::release(db, id).await
}

/// Returns the id of a document.
pub fn id_of(lesson: &Value) -> i64 {
    lesson["id"].as_i64().unwrap_or_default()
}
