//! Errors of pages: a page that says what failed and what to do, with the search box.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::format::sentence;
use super::frame::{Frame, NavPlace};
use crate::error::Error;
use crate::http::auth::AuthError;
use crate::http::page::page;
use crate::http::problem::HttpProblem;

/// An error that is shown as a page.
#[derive(Debug, Clone)]
pub struct PageProblem {
    pub status: StatusCode,
    /// What failed and what to do, in words.
    pub detail: String,
}

#[derive(Template)]
#[template(path = "web/problem.html")]
struct ProblemPage {
    frame: Frame,
    heading: &'static str,
    detail: String,
}

impl PageProblem {
    /// Creates the problem of a page that does not exist.
    pub fn not_found(detail: impl Into<String>) -> PageProblem {
        PageProblem { status: StatusCode::NOT_FOUND, detail: detail.into() }
    }

    /// Responds with the page inside this frame.
    pub fn respond(self, frame: Frame) -> Response {
        let heading = match self.status {
            StatusCode::NOT_FOUND => "This page does not exist",
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "You cannot do this",
            StatusCode::CONFLICT => "This does not fit the current state",
            status if status.is_server_error() => "Something failed",
            _ => "This request is not valid",
        };
        let frame = Frame { title: heading.to_owned(), ..frame };
        respond(self.status, &ProblemPage { frame, heading, detail: sentence(&self.detail) })
    }
}

impl From<HttpProblem> for PageProblem {
    fn from(problem: HttpProblem) -> Self {
        // A pointer into a document means nothing to a person.
        let detail = match problem.errors() {
            [] => problem.detail().to_owned(),
            errors => errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; "),
        };
        PageProblem { status: problem.status(), detail: sentence(&detail) }
    }
}

impl From<Error> for PageProblem {
    fn from(error: Error) -> Self {
        HttpProblem::from(error).into()
    }
}

impl From<AuthError> for PageProblem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unavailable(error) => error.into(),
            AuthError::Forbidden(_) => PageProblem {
                status: StatusCode::FORBIDDEN,
                detail: "your role does not allow this: ask an administrator".into(),
            },
            AuthError::Unknown | AuthError::Invalid | AuthError::Ended | AuthError::Forged => {
                PageProblem { status: StatusCode::UNAUTHORIZED, detail: "sign in to see this page".into() }
            }
        }
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        self.respond(Frame::public("Error", NavPlace::Elsewhere))
    }
}

/// Responds with a rendered page. A page that cannot be rendered is logged.
pub fn respond(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => page(status, html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            let text = "Lectern could not show this page: see the log of the server.";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
