//! Forms of pages: fields in the order of the page, accepted only with the CSRF token of the login session.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use percent_encoding::percent_decode;

use super::format::sentence;
use super::problem::PageProblem;
use crate::error::Error;
use crate::http::auth::credentials;
use crate::http::problem::HttpProblem;
use crate::identity::csrf_token;
use crate::identity::passwords::is_equal;
use crate::text::contains_nul;

/// The name of the field with the token.
pub const CSRF_FIELD: &str = "csrf_token";

/// What to do about a form without the right token.
pub const EXPIRED_FORM: &str = "the form is older than your session: load the page again, then repeat it";

/// The fields of a form that a page of this login session has sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsrfForm(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for CsrfForm {
    type Rejection = PageProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageProblem> {
        let expected = credentials(request.headers()).ok().filter(|sent| sent.is_cookie);
        let expected = expected.map(|sent| csrf_token(sent.secret));
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large or incomplete"))?;
        let form = CsrfForm(fields(&body));
        let sent = form.get(CSRF_FIELD);
        // A program sends its token itself: no other site can make it do so.
        if expected.is_some_and(|expected| !is_equal(sent.as_bytes(), expected.as_bytes())) {
            return Err(HttpProblem::new(StatusCode::FORBIDDEN, EXPIRED_FORM).into());
        }
        if form.0.iter().any(|(_, value)| contains_nul(value)) {
            let detail = "a field contains the character U+0000, which cannot be stored";
            return Err(HttpProblem::new(StatusCode::BAD_REQUEST, detail).into());
        }
        Ok(form)
    }
}

impl CsrfForm {
    /// Returns the value of a field without white space around it; "" if it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim()).unwrap_or_default()
    }

    /// Returns the value of a field as it was typed; "" if it is absent.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Returns every value of a field that may be repeated, such as a box for each row.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim()).collect()
    }

    /// Reports whether the form has a field, with or without a value.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Reports whether a box is ticked.
    pub fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }
}

/// What is wrong with a form, and at which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormProblem {
    pub status: StatusCode,
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong and what to do, in words.
    pub text: String,
}

impl FormProblem {
    /// Creates the problem of a value that is not valid.
    pub fn at(field: &'static str, text: impl AsRef<str>) -> FormProblem {
        FormProblem { status: StatusCode::BAD_REQUEST, field, text: sentence(text.as_ref()) }
    }

    /// Creates the problem of a field from an error.
    pub fn of(field: &'static str, error: Error) -> FormProblem {
        let PageProblem { status, detail } = error.into();
        FormProblem { status, field, text: detail }
    }

    /// Reports whether it is at this field.
    pub fn is_at(&self, field: &str) -> bool {
        self.field == field
    }
}

/// Parses `application/x-www-form-urlencoded`. What is not UTF-8 is replaced.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    let parts = body.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    let pair = |part: &[u8]| {
        let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
        (decode(&part[..at]), decode(part.get(at + 1..).unwrap_or_default()))
    };
    parts.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_may_be_repeated() {
        let form = CsrfForm(fields(b"only=a%2Bb&only=c+d&name=%C3%A9+&flag=on&empty"));
        assert_eq!(form.all("only"), ["a+b", "c d"]);
        assert_eq!((form.get("name"), form.raw("name"), form.get("absent")), ("é", "é ", ""));
        assert!(form.is_set("flag") && !form.is_set("empty") && !form.is_set("absent"));
    }
}
