//! The `Idempotency-Key` header: a request that a client repeats with the same key is executed once.

use axum::http::{HeaderMap, StatusCode};

use super::problem::HttpProblem;

/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// Returns the request's idempotency key, if it has one.
///
/// # Errors
/// 400 when the key is empty, too long or not printable ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, HttpProblem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
    let detail = format!("Idempotency-Key takes 1 to {MAX_KEY_BYTES} printable ASCII characters");
    key.map(Some).ok_or_else(|| HttpProblem::new(StatusCode::BAD_REQUEST, detail))
}
