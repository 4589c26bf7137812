//! Query strings as name and value pairs.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::problem::{FieldError, HttpProblem};

/// The name and value pairs of a query string, or why it cannot be parsed.
pub type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Returns the name and value pairs of a query string.
///
/// # Errors
/// 400 `invalid_query` when the query string cannot be parsed.
pub fn pairs(query: Pairs) -> Result<Vec<(String, String)>, HttpProblem> {
    let invalid = |_| FieldError::new("", "invalid_query", "the part of the address after ? is not valid");
    query.map(|Query(pairs)| pairs).map_err(|rejection| HttpProblem::fields(invalid(rejection)))
}
