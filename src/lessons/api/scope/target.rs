//! From the parameters of a request to the lessons that it means.

use axum::extract::Path;
use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::Value;
use sqlx::PgConnection;

use crate::http::problem::{FieldError, HttpProblem};
use crate::identity::Caller;
use crate::lessons::api::members::{holidays_of, id_of};
use crate::lessons::api::series;
use crate::lessons::api::visible::visible;
use crate::lessons::recurrence::{LessonOccurrence, LessonSeries};
use crate::lessons::rights::LessonScope;
use crate::lessons::store::occurrences;
use crate::resources::api::ResourceState;
use crate::resources::problems::Problems;

/// The parameters with the lessons that a request means.
pub const PARAMETERS: [&str; 2] = ["scope", "occurrence"];

/// How many lessons of a series a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeriesPart {
    One,
    Following,
    All,
}

/// The lessons that a request names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenScope {
    part: Option<SeriesPart>,
    occurrence: Option<Date>,
}

/// The lessons that a request means.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonTarget {
    /// A lesson; of the first lesson of a series, all that were made from it.
    Lesson(i64),
    /// One lesson of a series.
    One(SeriesPlace),
    /// A lesson of a series and all later ones.
    Following(SeriesPlace),
}

/// A lesson of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPlace {
    /// The first lesson of the series.
    pub head: Value,
    pub series: LessonSeries,
    pub occurrence: LessonOccurrence,
}

impl SeriesPlace {
    pub fn head_id(&self) -> i64 {
        id_of(&self.head)
    }

    pub fn is_first(&self) -> bool {
        self.occurrence.rule_day() == self.series.first
    }
}

/// Reads the parameters.
///
/// # Errors
/// 400 with every invalid one.
pub fn parse(pairs: &[(String, String)]) -> Result<GivenScope, HttpProblem> {
    let (mut given, mut problems) = (GivenScope::default(), Problems::default());
    for (name, value) in pairs {
        match (name.as_str(), value.trim()) {
            ("scope", "one") => given.part = Some(SeriesPart::One),
            ("scope", "following") => given.part = Some(SeriesPart::Following),
            ("scope", "all") => given.part = Some(SeriesPart::All),
            ("scope", _) => problems.malformed("/scope", "invalid_value", "must be one of one, following, all"),
            ("occurrence", text) => match text.parse::<Date>() {
                Ok(day) if text.len() == 10 && day.year() > 0 => given.occurrence = Some(day),
                _ => problems.malformed("/occurrence", "invalid_value", "must be a day like 2026-04-01"),
            },
            _ => {}
        }
    }
    problems.check()?;
    Ok(given)
}

/// Finds the lessons that a request means, from the lesson of its path.
pub async fn resolve(
    db: &mut PgConnection,
    (state, caller, scope): (&ResourceState, &Caller, &LessonScope),
    lesson: &Value,
    given: GivenScope,
    is_deletion: bool,
) -> Result<LessonTarget, HttpProblem> {
    let id = id_of(lesson);
    let plain = Ok(LessonTarget::Lesson(id));
    let Some(series_id) = lesson["series_id"].as_i64() else {
        let is_own = given.occurrence.is_none_or(|day| lesson["session_date"] == day.to_string());
        return if is_own { plain } else { Err(no_occurrence(given.occurrence)) };
    };
    let mut own_day = None;
    if series_id != id {
        // The series may be another person's, or gone.
        let made = occurrences::made(db, series_id).await?;
        own_day = made.iter().find(|one| one.id == id).map(|one| (one.day, one.takes_place));
    }
    let Ok(head) = visible(db, state, caller, scope, Ok(Path(series_id))).await else { return plain };
    let Some(series) = series::stored(&head) else { return plain };
    let default = if series_id != id || given.occurrence.is_some() { SeriesPart::One } else { SeriesPart::All };
    let part = given.part.unwrap_or(default);
    let is_own = |day: Date| own_day.is_some_and(|(of_rule, takes_place)| day == of_rule || day == takes_place);
    let is_this = series_id != id && given.occurrence.is_none_or(is_own);
    let occurrence = match (own_day, given.occurrence) {
        (Some((of_rule, _)), _) if is_this => LessonOccurrence { day: of_rule, moved_from: None },
        (_, day) => {
            let day = day.unwrap_or(series.first);
            let holidays = holidays_of(db, &series, head["tutor_id"].as_i64(), day).await?;
            let own = LessonOccurrence { day, moved_from: None };
            let found = series.occurrence_of(day, &holidays).or_else(|| (day == series.first).then_some(own));
            found.ok_or_else(|| no_occurrence(Some(day)))?
        }
    };
    let place = SeriesPlace { head, series, occurrence };
    Ok(match part {
        SeriesPart::All => LessonTarget::Lesson(series_id),
        SeriesPart::Following if place.is_first() => LessonTarget::Lesson(series_id),
        SeriesPart::Following => LessonTarget::Following(place),
        // A lesson that is deleted must not be made again.
        SeriesPart::One if is_this && !is_deletion => LessonTarget::Lesson(id),
        SeriesPart::One => LessonTarget::One(place),
    })
}

fn no_occurrence(day: Option<Date>) -> HttpProblem {
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    let message = format!("there is no lesson of the series on {day}: see its occurrences");
    HttpProblem::fields(FieldError::new("/occurrence", "unknown_reference", message)).as_status(StatusCode::NOT_FOUND)
}
