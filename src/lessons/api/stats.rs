//! Totals of lessons.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::list;
use super::resources::{LESSONS, STATUSES};
use crate::config::Config;
use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::identity::Caller;
use crate::lessons::rights::LessonScope;
use crate::lessons::store;
use crate::lessons::store::list::{LessonCount, LessonFilter, LessonSort};
use crate::lessons::store::totals::{StatusTotals, totals};
use crate::resources::api::{self, ResourceState};

pub(super) const STATS: &str = "/api/sessions/stats";

/// How many next lessons are in the totals.
const NEXT: i64 = 5;

/// Show totals of lessons.
///
/// Returns the number and the hours of lessons by status, the attendance of the student as far as a user has set it, how many of the
/// planned topics were covered, and the next lessons. Takes the filters of the list.
#[utoipa::path(
    get, path = "/api/sessions/stats", operation_id = "lessonStatistics", tag = "lessons",
    params(
        ("status" = Option<Vec<String>>, Query, description = "Words for the status."),
        ("date_from" = Option<String>, Query, description = "The first day."),
        ("date_to" = Option<String>, Query, description = "The last day."),
        ("tutor_id" = Option<Vec<i64>>, Query, description = "Ids of tutors."),
        ("student_id" = Option<Vec<i64>>, Query, description = "Ids of students."),
        ("course_enrollment_id" = Option<Vec<i64>>, Query, description = "Ids of enrolments."),
        ("session_mode" = Option<Vec<String>>, Query, description = "Words for the mode."),
        ("priority_level" = Option<Vec<String>>, Query, description = "Words for the priority."),
        ("is_featured" = Option<bool>, Query, description = "Whether the lesson is featured."),
        ("is_recurring" = Option<bool>, Query, description = "Whether the lesson begins a series."),
        ("q" = Option<String>, Query, description = "Words of topics and names."),
        ("as" = Option<String>, Query, description = "tutor, student or parent."),
    ),
    responses((status = 200, description = "The totals.", body = ref("#/components/schemas/LessonStatistics")))
)]
pub(super) async fn show_stats(
    caller: Caller,
    State(state): State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    Ok(Json(stats(&state, &caller, &pairs(address)?).await?))
}

/// Returns the totals of the lessons that the parameters of the list choose.
pub(super) async fn stats(
    state: &ResourceState,
    caller: &Caller,
    parameters: &[(String, String)],
) -> Result<Value, HttpProblem> {
    let filter = list::parse(parameters)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, caller).await?;
    let mut stats = document(&totals(&mut db, &scope, &filter).await?);
    let ids = next_ids(&mut db, &scope, &filter, &state.server.config).await?;
    let lessons = api::documents(&mut db, state, &LESSONS, caller, &ids).await?;
    let shown = |lesson: &Value| {
        let mut row = json!({ "session_id": lesson["id"] });
        for name in ["session_date", "start_time", "end_time", "tutor_name", "student_name", "topics"] {
            row[name] = lesson[name].clone();
        }
        row
    };
    stats["next"] = lessons.iter().map(shown).collect();
    Ok(stats)
}

/// Returns the next scheduled lessons of a list.
async fn next_ids(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    config: &Config,
) -> Result<Vec<i64>, HttpProblem> {
    if !filter.statuses.is_empty() && !filter.statuses.iter().any(|status| status == "scheduled") {
        return Ok(Vec::new());
    }
    let now = Timestamp::now().to_zoned(config.zone());
    let today = now.date().to_string();
    let from = filter.date_from.clone().filter(|from| *from > today).unwrap_or(today.clone());
    let sort = |name| LessonSort { name, is_descending: false };
    let next = LessonFilter {
        statuses: vec!["scheduled".to_owned()],
        // Without those of this day that have begun.
        after: (from == today).then(|| (vec![today, now.time().strftime("%H:%M:%S").to_string()], 0)),
        date_from: Some(from),
        sorts: vec![sort("session_date"), sort("start_time")],
        count: Some(LessonCount::default()),
        limit: NEXT,
        ..filter.clone()
    };
    Ok(store::list::page(db, scope, &next, None).await?.lessons.into_iter().map(|lesson| lesson.id).collect())
}

/// Returns the totals as a document. Every known status is in it.
pub(super) fn document(totals: &[StatusTotals]) -> Value {
    let (mut by_status, mut hours) = (Map::new(), Map::new());
    for status in STATUSES {
        by_status.insert((*status).to_owned(), 0.into());
        hours.insert((*status).to_owned(), 0.0.into());
    }
    for of in totals {
        by_status.insert(of.status.clone(), of.lessons.into());
        hours.insert(of.status.clone(), rounded(of.minutes as f64 / 60.0, 2).into());
    }
    let sum = |number: fn(&StatusTotals) -> i64| totals.iter().map(number).sum::<i64>();
    let total = sum(|of| of.lessons);
    let (present, late, absent) = (sum(|of| of.present), sum(|of| of.late), sum(|of| of.absent));
    let not_cancelled =
        |number: fn(&StatusTotals) -> i64| totals.iter().filter(|of| of.status != "cancelled").map(number).sum::<i64>();
    let (planned, covered) = (not_cancelled(|of| of.planned), not_cancelled(|of| of.covered));
    let marked = present + late + absent;
    let rate = (marked > 0).then(|| rounded((present + late) as f64 / marked as f64, 4));
    json!({
        "total": total, "by_status": by_status, "hours": hours,
        "attendance": { "present": present, "late": late, "absent": absent, "not_marked": total - marked },
        "attendance_rate": rate,
        "topics": { "planned": planned, "covered": covered },
        "progress": (planned > 0).then(|| rounded(covered as f64 / planned as f64, 4)),
    })
}

fn rounded(number: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    (number * factor).round() / factor
}
