//! The lesson of a path, if the caller sees it.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use serde_json::Value;
use sqlx::PgConnection;

use super::resources::LESSONS;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::rights::{LessonScope, unknown_lesson};
use crate::resources::api::{self, ResourceState};

pub(super) type LessonId = Result<Path<i64>, PathRejection>;

/// Returns a lesson that the caller sees.
pub(super) async fn visible(
    db: &mut PgConnection,
    state: &ResourceState,
    caller: &Caller,
    scope: &LessonScope,
    id: LessonId,
) -> Result<Value, HttpProblem> {
    let Path(id) = id.map_err(|_| unknown_lesson())?;
    let found = api::documents(db, state, &LESSONS, caller, &[id]).await?.pop();
    found.filter(|lesson| scope.sees(lesson)).ok_or_else(unknown_lesson)
}
