//! The problems of a body, collected so that one response reports all of them.

use axum::http::StatusCode;

use crate::http::problem::{FieldError, FieldErrors, HttpProblem};

/// The problems of one request.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    errors: FieldErrors,
    is_malformed: bool,
    is_conflict: bool,
    /// Why the whole request is refused, if no field is at fault.
    refusal: Option<HttpProblem>,
}

impl Problems {
    /// Adds a value of a wrong type, a missing value or an unknown field: status 400.
    pub fn malformed(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.is_malformed = true;
        self.errors.add(|| FieldError::new(pointer, code, message));
    }

    /// Adds a value that violates a rule: status 422.
    pub fn violated(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.errors.add(|| FieldError::new(pointer, code, message));
    }

    /// Adds a value that another row has already: status 409.
    pub fn taken(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.is_conflict = true;
        self.errors.add(|| FieldError::new(pointer, "not_unique", message));
    }

    /// Refuses the whole request. Problems of fields are reported instead, if there are any.
    pub fn refuse(&mut self, refusal: HttpProblem) {
        self.refusal.get_or_insert(refusal);
    }

    /// Reports whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.refusal.is_none()
    }

    /// Returns the response to a request with problems.
    ///
    /// # Errors
    /// 400 when a part of the body cannot be read, else 409 or 422.
    pub fn check(self) -> Result<(), HttpProblem> {
        if self.errors.is_empty() {
            return self.refusal.map_or(Ok(()), Err);
        }
        let status = match (self.is_malformed, self.is_conflict) {
            (true, _) => StatusCode::BAD_REQUEST,
            (false, true) => StatusCode::CONFLICT,
            (false, false) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Err(HttpProblem::fields(self.errors).as_status(status))
    }
}
