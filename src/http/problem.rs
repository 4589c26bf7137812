//! Errors over HTTP: RFC 9457 `application/problem+json`, and the one table from our errors to a status.
//!
//! No problem shows SQL, a path or a stack; what went wrong inside is logged where it is handled.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::Error;

/// One field that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a parameter in the address.
    pub pointer: String,
    /// For programs, stable.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

/// One answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProblem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl HttpProblem {
    /// A status and a sentence that says what to do about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// 400 with the fields at fault.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.message),
            several => format!("{} fields are wrong; errors lists them", several.len()),
        };
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }

    /// The same with another status.
    pub fn as_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The fields at fault.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The status that is answered.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// The table: what each of our errors is over HTTP.
impl From<&Error> for StatusCode {
    fn from(error: &Error) -> Self {
        match error {
            Error::Usage(_) => Self::BAD_REQUEST,
            Error::NeedsAttention(_) | Error::Prerequisite(_) => Self::CONFLICT,
            Error::Administrate(_) => Self::BAD_GATEWAY,
            lost if lost.is_lost_database() => Self::SERVICE_UNAVAILABLE,
            Error::Database(sqlx::Error::RowNotFound) => Self::NOT_FOUND,
            Error::Database(sqlx::Error::Database(refusal)) if refusal.is_unique_violation() => Self::CONFLICT,
            Error::Database(sqlx::Error::Database(refusal)) if refusal.is_check_violation() => {
                Self::UNPROCESSABLE_ENTITY
            }
            Error::Cancelled => Self::SERVICE_UNAVAILABLE,
            Error::Failed(_) | Error::Database(_) | Error::Migration(_) => Self::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for HttpProblem {
    fn from(error: Error) -> Self {
        let status = StatusCode::from(&error);
        if status.is_server_error() {
            tracing::error!(%error, cause = ?error, "a request failed");
        }
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let wire = Wire {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        (self.status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}
