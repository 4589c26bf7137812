//! Errors over HTTP: RFC 9457 `application/problem+json`, and the table from errors to status codes.
//!
//! A problem never contains SQL, a path or a stack trace. Internal errors are logged.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::Error;

/// One invalid field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a parameter in the address.
    pub pointer: String,
    /// Stable code for programs.
    pub code: &'static str,
    /// Text for users.
    pub message: String,
}

impl FieldError {
    /// Creates an error of a field.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProblem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl HttpProblem {
    /// Creates a problem. `detail`: what failed and what the client can do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// Creates a problem with status 400 from its invalid fields.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.message),
            several => format!("{} fields are invalid: errors lists them", several.len()),
        };
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }

    /// Returns the same problem with another status.
    pub fn as_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the invalid fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// The status code of each error.
impl From<&Error> for StatusCode {
    fn from(error: &Error) -> Self {
        match error {
            Error::Usage(_) => Self::BAD_REQUEST,
            Error::NeedsAttention(_) | Error::Prerequisite(_) => Self::CONFLICT,
            Error::Administrate(_) => Self::BAD_GATEWAY,
            error if error.is_disk_full() => Self::INSUFFICIENT_STORAGE,
            error if error.is_lost_database() => Self::SERVICE_UNAVAILABLE,
            Error::Database(sqlx::Error::RowNotFound) => Self::NOT_FOUND,
            Error::Database(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Self::CONFLICT,
            Error::Database(sqlx::Error::Database(cause)) if cause.is_check_violation() => Self::UNPROCESSABLE_ENTITY,
            Error::Cancelled => Self::SERVICE_UNAVAILABLE,
            Error::Failed(_) | Error::File { .. } | Error::Database(_) | Error::Migration(_) => {
                Self::INTERNAL_SERVER_ERROR
            }
        }
    }
}

impl From<Error> for HttpProblem {
    fn from(error: Error) -> Self {
        let status = StatusCode::from(&error);
        if status.is_server_error() {
            tracing::error!(%error, cause = ?error, "a request failed");
        }
        Self::new(status, error.without_path())
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let document = ProblemDocument {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        (self.status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_507_without_path() {
        let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let problem = HttpProblem::from(Error::io("writing", std::path::Path::new("/data/uploads/t.xlsx"), &cause));
        assert_eq!(problem.status, StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(problem.detail, "a file of the server cannot be used: the disk is full: free some space");
    }
}
