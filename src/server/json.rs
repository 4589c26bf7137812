//! JSON bodies: read whole within the body limit, refused as problems.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::{FieldError, Problem};

/// A JSON body. Refused: 413 too large, 415 not JSON by its type, 400 not JSON or of another shape.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let says_json = says_json(request.headers());
        let body = whole(request, state).await?;
        if !says_json {
            return Err(not_json());
        }
        parse(&body).map(Self)
    }
}

/// No body at all is `None`.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let says_json = says_json(request.headers());
        let body = whole(request, state).await?;
        match (body.is_empty(), says_json) {
            (true, _) => Ok(None),
            (false, true) => parse(&body).map(|value| Some(Self(value))),
            (false, false) => Err(not_json()),
        }
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than is accepted here; send less at a time")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "the body did not arrive whole; send it again"),
    })
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn not_json() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send JSON, with Content-Type: application/json")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() { "invalid_type" } else { "invalid_json" };
        Problem::fields(vec![FieldError::new("", code, error.to_string())])
    })
}
