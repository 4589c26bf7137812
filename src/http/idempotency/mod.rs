//! The `Idempotency-Key` header: a request that a client repeats with the same key is executed once.
//!
//! [`replay`] applies to every POST of the API with a valid token. The first request claims the key. Its response is stored
//! if it succeeded, and later requests with the same key receive it. A refused request changed nothing: its key is free
//! again. Keys belong to a token and expire after a day.
//!
//! A form with a file is not read here. Its route stores the key in the transaction of the run that it enqueues.

mod store;

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use self::store::{Claim, StoredResponse};
use super::auth::credentials;
use super::problem::HttpProblem;
use crate::error::Error;
use crate::identity;

/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The largest response that is stored, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// How often a claim is renewed while its request is executed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(15);

/// Headers of a response that are stored.
const STORED_HEADERS: [header::HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::CACHE_CONTROL];

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

/// How idempotent requests are executed.
#[derive(Clone, Debug)]
pub struct Replays {
    pub pool: PgPool,
    /// The largest body, in bytes.
    pub body_limit: usize,
}

/// A key of one token, and the request that it belongs to.
struct Keyed {
    pool: PgPool,
    token: i64,
    key: String,
    fingerprint: [u8; 32],
}

/// Executes a POST with an idempotency key once, and repeats its response.
pub async fn replay(State(replays): State<Replays>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    execute(replays, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn execute(replays: Replays, request: Request, next: Next) -> Result<Response, HttpProblem> {
    let Some(key) = idempotency_key(request.headers())?.map(str::to_owned) else { return Ok(next.run(request).await) };
    // Without a valid token the route itself refuses the request, or it is a search, which changes nothing.
    let Ok(sent) = credentials(request.headers()) else { return Ok(next.run(request).await) };
    let Some(caller) = identity::authenticate(&replays.pool, sent.secret).await? else {
        return Ok(next.run(request).await);
    };
    let is_form = is_form(request.headers());
    let target = request.uri().to_string();
    let (parts, body) = request.into_parts();
    let (body, content) = match is_form {
        true => (body, Bytes::new()),
        false => {
            let content = to_bytes(body, replays.body_limit).await.map_err(unreadable)?;
            (Body::from(content.clone()), content)
        }
    };
    let fingerprint = fingerprint(&target, &content);
    let keyed = Keyed { pool: replays.pool, token: caller.token_id, key, fingerprint };
    let request = Request::from_parts(parts, body);
    match store::claim(&keyed.pool, keyed.token, &keyed.key, &keyed.fingerprint, is_form).await? {
        Claim::New => {}
        Claim::Known(_) if is_form => return Ok(next.run(request).await),
        Claim::Known(Some(response)) => return Ok(repeated(response)),
        Claim::Known(None) => {
            let detail = "the request with this Idempotency-Key is still executed: try again in a few seconds";
            let mut response = HttpProblem::new(StatusCode::CONFLICT, detail).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return Ok(response);
        }
        Claim::OtherRequest => {
            let detail = "this Idempotency-Key was used for another request: choose a new one";
            return Err(HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
    }
    // A task of its own: it ends and stores its response even if the client has closed the connection.
    let executed = tokio::spawn(async move { keyed.run(request, next, is_form).await }).await;
    executed.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Error::Cancelled.into()),
    })
}

impl Keyed {
    async fn run(self, request: Request, next: Next, is_form: bool) -> Result<Response, HttpProblem> {
        let mut running = tokio::spawn(next.run(request));
        let executed = loop {
            tokio::select! {
                executed = &mut running => break executed,
                () = tokio::time::sleep(RENEWAL_INTERVAL), if !is_form => {
                    if let Err(error) = store::renew(&self.pool, self.token, &self.key).await {
                        tracing::warn!(%error, "the claim of an idempotency key could not be renewed");
                    }
                }
            }
        };
        let response = match executed {
            Ok(response) => response,
            Err(error) => {
                self.release().await;
                match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => return Err(Error::Cancelled.into()),
                }
            }
        };
        match response.status().is_success() {
            true if is_form => Ok(response),
            true => self.store(response).await,
            false => {
                self.release().await;
                Ok(response)
            }
        }
    }

    /// Stores a response and returns it. A response that is too large is not stored, and its key is free again.
    async fn store(&self, response: Response) -> Result<Response, HttpProblem> {
        let (parts, body) = response.into_parts();
        if axum::body::HttpBody::size_hint(&body).exact().is_none_or(|size| size > MAX_RESPONSE_BYTES as u64) {
            self.release().await;
            return Ok(Response::from_parts(parts, body));
        }
        let content = to_bytes(body, MAX_RESPONSE_BYTES).await.map_err(unreadable)?;
        let headers = STORED_HEADERS.iter().filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), Value::from(value)))
        });
        let stored = StoredResponse {
            status: i16::try_from(parts.status.as_u16()).unwrap_or_default(),
            headers: Value::Object(headers.collect()),
            body: content.to_vec(),
        };
        if let Err(error) = store::save(&self.pool, self.token, &self.key, &stored).await {
            // The request was executed. Its claim stays until it is abandoned.
            tracing::error!(%error, "the response of an idempotent request could not be stored");
        }
        Ok(Response::from_parts(parts, Body::from(content)))
    }

    async fn release(&self) {
        if let Err(error) = store::release(&self.pool, self.token, &self.key).await {
            tracing::error!(%error, "an idempotency key could not be released");
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/")
}

/// Returns the same digest for equal requests. White space and the order of keys in JSON do not matter.
fn fingerprint(target: &str, content: &[u8]) -> [u8; 32] {
    let digest = Sha256::new().chain_update(target).chain_update([0]);
    match serde_json::from_slice::<Value>(content) {
        Ok(value) => digest.chain_update(value.to_string()).finalize().into(),
        Err(_) => digest.chain_update(content).finalize().into(),
    }
}

fn repeated(stored: StoredResponse) -> Response {
    let status = u16::try_from(stored.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), stored.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for name in STORED_HEADERS {
        let value = stored.headers[name.as_str()].as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

fn unreadable(error: axum::Error) -> HttpProblem {
    tracing::debug!(%error, "a body cannot be read");
    // Dropping the limit's error would lose the difference between a large body and a broken connection.
    match error.into_inner().downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large: send less at a time"),
        None => HttpProblem::new(StatusCode::BAD_REQUEST, "the body is incomplete: send it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_depends_on_target_and_content() {
        let of = |target, content: &str| fingerprint(target, content.as_bytes());
        let first = of("/api/syncs", r#"{"entity": "all", "dry_run": true}"#);
        assert_eq!(first, of("/api/syncs", r#"{"dry_run":true,"entity":"all"}"#));
        assert_ne!(first, of("/api/syncs", r#"{"dry_run":false,"entity":"all"}"#));
        assert_ne!(first, of("/api/outbox/retry", r#"{"dry_run":true,"entity":"all"}"#));
        assert_ne!(of("/api/syncs", "{"), of("/api/syncs", ""));
    }
}
