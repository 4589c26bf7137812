//! The lesson of a path, if the caller sees it.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use serde_json::Value;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use super::resources::LESSONS;
use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::lessons::rights::{LessonScope, unknown_lesson};
use crate::resources::api::{self, ResourceState};

pub(super) type LessonId = Result<Path<i64>, PathRejection>;

/// The lesson of a path, with the connection that has read it.
pub(super) struct VisibleLesson {
    pub db: PoolConnection<Postgres>,
    pub scope: LessonScope,
    pub lesson: Value,
}

impl VisibleLesson {
    /// Finds the lesson of a path.
    ///
    /// # Errors
    /// 404 when the caller does not see it.
    pub(super) async fn find(state: &ResourceState, caller: &Caller, id: LessonId) -> Result<Self, HttpProblem> {
        let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
        let scope = LessonScope::of(&mut db, caller).await?;
        let lesson = visible(&mut db, state, caller, &scope, id).await?;
        Ok(Self { db, scope, lesson })
    }
}

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
