//! Errors over HTTP: RFC 9457 `application/problem+json`, and the table from errors to status codes.
//!
//! A problem never contains SQL, a path or a stack trace. Internal errors are logged.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Error;

/// The most field errors in one response. The rest is counted.
const MAX_FIELD_ERRORS: usize = 20;

/// The longest pointer in a response, in characters. A name that a client invented may be longer.
const MAX_POINTER_CHARS: usize = 300;

/// The name under which the shop reads messages about a whole request.
const NO_FIELD: &str = "non_field_errors";

/// The beginnings of the paths that the shop calls without a token.
const SHOP_PATHS: [&str; 7] = [
    "/api/search",
    "/api/catalog",
    "/api/products",
    "/api/tutorials/list",
    "/api/tutorials/products",
    "/api/tutorials/data",
    "/api/store",
];

/// Reports whether the shop calls a path. Its problems have further members.
pub fn is_of_shop(path: &str) -> bool {
    SHOP_PATHS.iter().any(|start| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

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
        let mut pointer = pointer.into();
        if let Some((end, _)) = pointer.char_indices().nth(MAX_POINTER_CHARS) {
            pointer.truncate(end);
            pointer.push('…');
        }
        Self { pointer, code, message: message.into() }
    }
}

/// The invalid fields of a request: the first ones, and the number of all. A request cannot make it large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    first: Vec<FieldError>,
    total: usize,
}

impl FieldErrors {
    /// Adds an error. `describe` is called only if the error becomes part of the response.
    pub fn add(&mut self, describe: impl FnOnce() -> FieldError) {
        self.total += 1;
        if self.first.len() < MAX_FIELD_ERRORS {
            self.first.push(describe());
        }
    }

    /// Reports whether no field is invalid.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Returns the errors that are part of the response.
    pub fn first(&self) -> &[FieldError] {
        &self.first
    }

    /// Returns the number of errors that are not part of the response.
    pub fn more(&self) -> usize {
        self.total - self.first.len()
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self { first: vec![error], total: 1 }
    }
}

impl From<Vec<FieldError>> for FieldErrors {
    fn from(errors: Vec<FieldError>) -> Self {
        errors.into_iter().collect()
    }
}

impl FromIterator<FieldError> for FieldErrors {
    fn from_iter<I: IntoIterator<Item = FieldError>>(errors: I) -> Self {
        let mut collected = Self::default();
        errors.into_iter().for_each(|error| collected.add(|| error));
        collected
    }
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProblem {
    status: StatusCode,
    detail: String,
    errors: FieldErrors,
    /// Further members of the document, such as the rows that forbid a deletion.
    members: Map<String, Value>,
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
    /// The number of errors that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    more_errors: usize,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl HttpProblem {
    /// Creates a problem. `detail`: what failed and what the client can do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: FieldErrors::default(), members: Map::new() }
    }

    /// Creates a problem with status 400 from its invalid fields.
    pub fn fields(errors: impl Into<FieldErrors>) -> Self {
        let errors = errors.into();
        let detail = match (errors.first(), errors.more()) {
            ([one], 0) => {
                format!("{}: {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.message)
            }
            (_, 0) => format!("{} fields are invalid: errors lists them", errors.total),
            (first, _) => {
                format!("{} fields are invalid: errors lists the first {}", errors.total, first.len())
            }
        };
        Self { status: StatusCode::BAD_REQUEST, detail, errors, members: Map::new() }
    }

    /// Returns the same problem with another status.
    pub fn as_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the same problem with a further member of its document.
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Returns what failed and what the client can do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns a further member of the document.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Returns the same problem with the members that the shop reads: `error`, and `details` from field to messages.
    pub fn with_shop_members(self) -> Self {
        let mut details: Map<String, Value> = Map::new();
        for error in self.errors.first() {
            let field = match error.pointer.trim_start_matches('/') {
                "" => NO_FIELD,
                field => field,
            };
            let messages = details.entry(field).or_insert_with(|| Value::Array(Vec::new()));
            if let Some(messages) = messages.as_array_mut() {
                messages.push(error.message.as_str().into());
            }
        }
        let error = Value::from(self.detail.as_str());
        self.with_member("error", error).with_member("details", Value::Object(details))
    }

    /// Returns the invalid fields.
    pub fn errors(&self) -> &[FieldError] {
        self.errors.first()
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
            // Also a deferred foreign key, which is checked by the commit.
            Error::Database(sqlx::Error::Database(cause)) if cause.is_foreign_key_violation() => Self::CONFLICT,
            Error::Database(sqlx::Error::Database(cause)) if cause.is_check_violation() => Self::UNPROCESSABLE_ENTITY,
            error if error.is_busy_database() => Self::SERVICE_UNAVAILABLE,
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
            errors: self.errors.first(),
            more_errors: self.errors.more(),
            members: &self.members,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // A layer may add members to it.
        response.extensions_mut().insert(self);
        response
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
