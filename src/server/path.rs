//! The id in a path.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::problem::Problem;

/// The one number in a path; nothing has an id that is no number.
#[derive(Debug, Clone, Copy)]
pub struct PathId(Option<i64>);

impl PathId {
    /// The number.
    ///
    /// # Errors
    /// 404 with this sentence where it is none.
    pub fn or_none(self, sentence: impl Into<String>) -> Result<i64, Problem> {
        self.0.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, sentence))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<i64>::from_request_parts(parts, state).await;
        Ok(PathId(path.ok().map(|Path(id)| id)))
    }
}
