//! Totals in the shapes of older front ends. The numbers are those of the statistics.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::identity::Caller;
use crate::lessons::api::list;
use crate::lessons::api::stats;
use crate::lessons::rights::{LessonRole, LessonScope};
use crate::lessons::store::families;
use crate::lessons::store::list::LessonFilter;
use crate::lessons::store::totals::totals;
use crate::resources::api::ResourceState;

pub const SUMMARY: &str = "/api/sessions/stats/summary";
pub const COUNTS: &str = "/api/sessions/counts";
pub const DASHBOARD: &str = "/api/sessions/dashboard-stats";

/// Show totals of lessons in the shape of older front ends.
///
/// Returns the numbers of the statistics of the lessons in which the caller has the role `as`.
#[utoipa::path(
    get, path = "/api/sessions/stats/summary", operation_id = "lessonSummary", tag = "lessons",
    params(
        ("as" = Option<String>, Query, description = "tutor, student or parent."),
        ("shape" = Option<String>, Query, description = "array; ignored."),
        ("legacy" = Option<String>, Query, description = "1; ignored."),
    ),
    responses((status = 200, description = "The totals.", body = ref("#/components/schemas/LessonSummary")))
)]
pub async fn show_summary(
    caller: Caller,
    state: State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let filter = list::parse(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let stats = stats::document(&totals(&mut db, &scope, &filter).await?);
    let (count, hours) = (&stats["by_status"], stats["hours"].as_object());
    let hours: f64 = hours.into_iter().flatten().filter_map(|(_, hours)| hours.as_f64()).sum();
    Ok(Json(json!({
        "total_sessions": stats["total"], "completed_sessions": count["completed"],
        "scheduled_sessions": count["scheduled"], "cancelled_sessions": count["cancelled"],
        "in_progress_sessions": count["in-progress"], "missed_sessions": count["missed"],
        "total_hours": (hours * 100.0).round() / 100.0,
    })))
}

/// Count lessons in the shape of older front ends.
///
/// Returns the number of lessons by status in which the caller has the role `as`.
#[utoipa::path(
    get, path = "/api/sessions/counts", operation_id = "lessonCounts", tag = "lessons",
    params(
        ("as" = Option<String>, Query, description = "tutor, student or parent."),
        ("shape" = Option<String>, Query, description = "array; ignored."),
        ("legacy" = Option<String>, Query, description = "1; ignored."),
    ),
    responses((status = 200, description = "The numbers.", body = ref("#/components/schemas/LessonCounts")))
)]
pub async fn show_counts(
    caller: Caller,
    state: State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let filter = list::parse(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let stats = stats::document(&totals(&mut db, &scope, &filter).await?);
    let count = &stats["by_status"];
    Ok(Json(json!({
        "total": stats["total"], "scheduled": count["scheduled"], "in_progress": count["in-progress"],
        "completed": count["completed"], "cancelled": count["cancelled"], "missed": count["missed"],
    })))
}

/// Show the dashboard of a parent in the shape of older front ends.
///
/// Returns numbers of the lessons of the caller's children.
#[utoipa::path(
    get, path = "/api/sessions/dashboard-stats", operation_id = "parentDashboard", tag = "lessons",
    params(
        ("as" = Option<String>, Query, description = "parent."),
        ("shape" = Option<String>, Query, description = "array; ignored."),
        ("legacy" = Option<String>, Query, description = "1; ignored."),
    ),
    responses(
        (status = 200, description = "The numbers.", body = ref("#/components/schemas/ParentDashboard")),
        (status = 403, description = "")
    )
)]
pub async fn show_dashboard(
    caller: Caller,
    state: State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let given = list::parse(&pairs(address)?)?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let LessonScope::Own(own) = &scope else {
        return Err(HttpProblem::new(StatusCode::FORBIDDEN, "only a parent has a dashboard"));
    };
    let tutors = families::active_tutors(&mut db, &own.children).await?;
    let filter = LessonFilter { role: Some(LessonRole::Parent), ..given };
    let stats = stats::document(&totals(&mut db, &scope, &filter).await?);
    let today = Timestamp::now().to_zoned(state.server.config.zone()).date();
    let month = LessonFilter {
        date_from: Some(today.first_of_month().to_string()),
        date_to: Some(today.last_of_month().to_string()),
        ..filter
    };
    let this_month = stats::document(&totals(&mut db, &scope, &month).await?);
    let rate = stats["attendance_rate"].as_f64().map(|rate| (rate * 1000.0).round() / 10.0);
    Ok(Json(json!({
        "children_enrolled": own.children.len(), "active_tutors": tutors,
        "total_study_hours": stats["hours"]["completed"], "sessions_this_month": this_month["total"],
        "tutor_satisfaction": null, "attendance_rate": rate, "family_progress": null, "monthly_investment": null,
    })))
}
