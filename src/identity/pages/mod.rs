//! The page for signing in, and what its form and one-time links do. Admins manage users and tokens on two more pages.

mod tokens;
mod users;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;

use super::api::{client_of, sentence, status, with_session, with_wait, without_session};
use super::logins::{self, SignInError};
use super::passwords::{Password, is_equal};
use super::{authenticate, csrf_token};
use crate::http::auth::{SESSION_COOKIE, cookie};
use crate::http::peer::PeerAddress;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::{PageProblem, respond};

/// Where a person who has signed in begins.
const START: &str = "/";

/// Returns the routes of the pages.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/login", get(show).post(submit))
        .route("/login/{secret}", get(follow_link))
        .route("/logout", post(sign_out))
        .route("/users", get(users::show).post(users::add))
        .route("/users/grant", post(users::grant))
        .route("/users/disable", post(users::disable))
        .route("/users/password", post(users::set_password))
        .route("/tokens", get(tokens::show).post(tokens::create))
        .route("/tokens/revoke", post(tokens::revoke))
        .with_state(state)
}

#[derive(Template)]
#[template(path = "identity/login.html")]
struct LoginPage {
    frame: Frame,
    name: String,
    next: String,
    problem: Option<String>,
}

impl LoginPage {
    fn new(name: String, next: String, problem: Option<String>) -> LoginPage {
        let title = if problem.is_some() { "Error: Sign in" } else { "Sign in" };
        LoginPage { frame: Frame::public(title, NavPlace::Elsewhere), name, next, problem }
    }
}

async fn show(query_string: Pairs) -> Result<Response, PageProblem> {
    let next = pairs(query_string)?.into_iter().find(|(name, _)| name == "next").map(|(_, value)| value);
    let next = next.filter(|next| is_own(next)).unwrap_or_else(|| START.into());
    Ok(respond(StatusCode::OK, &LoginPage::new(String::new(), next, None)))
}

/// What the form sends.
#[derive(Deserialize)]
struct LoginForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

async fn submit(
    State(state): State<ServerState>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(refused) => {
            let problem = Some("this form could not be read: sign in here".into());
            return respond(refused.status(), &LoginPage::new(String::new(), START.into(), problem));
        }
    };
    let next = if is_own(&form.next) { form.next.as_str() } else { START };
    let refused =
        |status, problem: String| respond(status, &LoginPage::new(form.name.clone(), next.to_owned(), Some(problem)));
    if is_of_other_site(&headers) {
        return refused(StatusCode::FORBIDDEN, "another site sent this form: sign in here".into());
    }
    let client = client_of(peer, &headers, &state.config);
    let password = Password::typed(&form.password);
    match logins::sign_in(&state.pool, &state.config, (&form.name, password), client.address).await {
        Ok(signed_in) => with_session(Redirect::to(next).into_response(), &signed_in, client, &state.config),
        Err(error) => {
            if let SignInError::Failed(error) = &error {
                tracing::error!(%error, "a sign-in failed");
            }
            with_wait(refused(status(&error), sentence(&error)), &error)
        }
    }
}

/// Signs in with a link that works once.
async fn follow_link(
    State(state): State<ServerState>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    Path(secret): Path<String>,
) -> Result<Response, PageProblem> {
    let client = client_of(peer, &headers, &state.config);
    Ok(match logins::follow_link(&state.pool, &state.config, &secret).await? {
        Some(signed_in) => with_session(Redirect::to(START).into_response(), &signed_in, client, &state.config),
        None => {
            let problem = Some("this link was used before, or is too old".into());
            respond(StatusCode::GONE, &LoginPage::new(String::new(), START.into(), problem))
        }
    })
}

/// What the form for signing out sends.
#[derive(Deserialize)]
struct LogoutForm {
    #[serde(default)]
    csrf_token: String,
}

async fn sign_out(
    State(state): State<ServerState>,
    headers: HeaderMap,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> Result<Response, PageProblem> {
    if let Some(secret) = cookie(&headers, SESSION_COOKIE) {
        let sent = form.map(|Form(form)| form.csrf_token).unwrap_or_default();
        if !is_equal(csrf_token(secret).as_bytes(), sent.as_bytes()) {
            let detail = "the form is older than the login session: load the page again";
            return Err(HttpProblem::new(StatusCode::FORBIDDEN, detail).into());
        }
        if let Some(caller) = authenticate(&state.pool, secret).await? {
            logins::sign_out(&state.pool, caller.token_id).await?;
        }
    }
    Ok(without_session(Redirect::to("/login").into_response()))
}

/// Reports whether an address is a path of this site.
fn is_own(next: &str) -> bool {
    next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n'])
}

/// Reports whether a browser says that a page of another site sent a form.
fn is_of_other_site(headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = value("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match (value("origin"), value("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn address_after_signing_in_is_of_this_site() {
        for (next, expected) in [
            ("/today", true),
            ("/events/1?x=y", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_own(next), expected, "{next}");
        }
    }

    #[test]
    fn form_of_another_site_is_recognised() {
        for (pairs, expected) in [
            (&[("host", "a.example")][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("origin", "https://a.example"), ("host", "a.example")], false),
            (&[("origin", "https://b.example"), ("host", "a.example")], true),
            (&[("origin", "null"), ("host", "a.example")], true),
        ] {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| {
                    (name.parse::<header::HeaderName>().expect("a name"), HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(is_of_other_site(&headers), expected, "{pairs:?}");
        }
    }
}
