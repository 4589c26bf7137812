//! Responses to requests that no route accepts, and the form of problems that the shop reads.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::page::page;
use crate::http::problem::{HttpProblem, is_of_shop};
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;

#[derive(Template)]
#[template(path = "serve/not_found.html")]
struct NotFoundPage<'a> {
    frame: Frame,
    path: &'a str,
}

/// Responds with 404: a page for browsers outside `/api`, else a problem.
pub async fn unknown_path(request: Request) -> Response {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_api = path == "/api" || path.starts_with("/api/");
    if is_read
        && !is_api
        && prefers_html(request.headers())
        && let Ok(html) = (NotFoundPage { frame: Frame::public("Page not found", NavPlace::Elsewhere), path }).render()
    {
        return page(StatusCode::NOT_FOUND, html);
    }
    HttpProblem::new(StatusCode::NOT_FOUND, format!("unknown path {path}")).into_response()
}

/// Reports whether a client names HTML before JSON among the types that it accepts, as browsers do.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    let place =
        |kind: &str| accepted.split(',').position(|one| one.split(';').next().unwrap_or_default().trim() == kind);
    match (place("text/html"), place("application/json")) {
        (Some(html), Some(json)) => html < json,
        (html, None) => html.is_some(),
        (None, Some(_)) => false,
    }
}

/// Reports whether a request is the form of a page.
fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    *request.method() == Method::POST
        && ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|form| kind.starts_with(form))
}

/// Shows problems as pages to browsers outside `/api`, so that a person never sees JSON.
pub async fn with_pages(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_api = path == "/api" || path.starts_with("/api/");
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_page = !is_api && prefers_html(request.headers()) && (is_read || is_form(&request));
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<HttpProblem>() {
        Some(problem) if is_page => PageProblem::from(problem).into_response(),
        Some(problem) => {
            response.extensions_mut().insert(problem);
            response
        }
        None => response,
    }
}

/// Responds with 405. The router adds the header `Allow`.
pub async fn wrong_method(request: Request) -> HttpProblem {
    let detail =
        format!("{} does not accept {}: the header Allow lists methods", request.uri().path(), request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// Adds `error` and `details` to the problems of the routes that the shop calls.
pub async fn with_shop_members(request: Request, next: Next) -> Response {
    let is_shop = is_of_shop(request.uri().path());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<HttpProblem>() {
        Some(problem) if is_shop => {
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, problem.with_shop_members().into_response().into_body())
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        for (accepted, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/html;q=0.5", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accepted))]);
            assert_eq!(prefers_html(&headers), expected, "{accepted}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }
}
