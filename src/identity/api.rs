//! Signing in over HTTP, for front ends of other programs: `POST /api/login`, `POST /api/logout`, `GET /api/me`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};

use super::logins::{self, SignInError, SignedIn};
use super::passwords::Password;
use super::{Caller, Role, csrf_token};
use crate::config::Config;
use crate::http::auth::{SESSION_COOKIE, credentials};
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::peer::{Client, PeerAddress, client};
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;

#[derive(utoipa::OpenApi)]
#[openapi(paths(login, logout, me))]
struct SignInRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    ApiPart::of(&<SignInRoutes as utoipa::OpenApi>::openapi())
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::POST, "/api/login", vec![]), (Method::POST, "/api/logout", vec![]), (Method::GET, "/api/me", vec![])]
}

/// Returns the routes.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/login", post(login))
        .route("/api/logout", post(logout))
        .route("/api/me", get(me))
        .with_state(state)
}

/// Name and password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    /// Name of the login, or name or e-mail address of an existing account.
    #[schema(example = "ann")]
    name: String,
    /// The password.
    #[schema(example = "correct horse", format = "password")]
    password: String,
}

/// A person who has signed in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SignInResult {
    /// The role.
    role: Role,
    /// Id of the profile, for tutors, students and parents.
    subject_id: Option<i64>,
    /// What every change must send in the header `X-CSRFToken`.
    csrf_token: String,
}

/// The sender of a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Me {
    /// Name of the login or token.
    name: String,
    /// The role.
    role: Role,
    /// Id of the profile, for tutors, students and parents.
    subject_id: Option<i64>,
    /// What every change must send in the header `X-CSRFToken`; null with a token.
    csrf_token: Option<String>,
}

/// Sign in.
///
/// Sets the cookie of a session. It ends after 12 hours without a request, after 14 days, and when the password changes.
#[utoipa::path(
    post, path = "/api/login", operation_id = "signIn", tag = "sign-in", security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in.", body = SignInResult,
         headers(("Set-Cookie" = String, description = "The session."))),
        (status = 401, description = "Name or password are wrong."),
        (status = 403, description = "The account has no role in Lectern."),
        (status = 429, description = "Too many attempts failed.", headers(("Retry-After" = u64, description = "Seconds.")))
    )
)]
async fn login(
    State(state): State<ServerState>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Response, HttpProblem> {
    let client = client_of(peer, &headers, &state.config);
    let password = Password::typed(&body.password);
    let signed_in = logins::sign_in(&state.pool, &state.config, (&body.name, password), client.address).await;
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(error) => return refusal(error),
    };
    let result = SignInResult {
        role: signed_in.caller.role,
        subject_id: signed_in.caller.subject_id,
        csrf_token: csrf_token(signed_in.secret.reveal()),
    };
    Ok(with_session(Json(result).into_response(), &signed_in, client, &state.config))
}

/// Returns the client of a request; one without an address counts as being elsewhere.
pub fn client_of(peer: Option<Extension<PeerAddress>>, headers: &HeaderMap, config: &Config) -> Client {
    let unknown = PeerAddress(std::net::Ipv4Addr::UNSPECIFIED.into());
    client(peer.map_or(unknown, |Extension(peer)| peer), headers, &config.http.trusted_proxies)
}

/// Says why a sign-in failed, in words for the person who tried.
pub fn sentence(error: &SignInError) -> String {
    match error {
        SignInError::Wrong => "the name or the password is wrong".into(),
        SignInError::Locked(wait) => {
            let minutes = wait.as_secs().div_ceil(60);
            let minutes = if minutes == 1 { "1 minute".into() } else { format!("{minutes} minutes") };
            format!("too many attempts failed: try again in {minutes}")
        }
        SignInError::NoRole => {
            "this account has no role in Lectern, or was disabled: ask an administrator, who grants one with `lectern user grant`".into()
        }
        SignInError::Failed(error) => error.without_path(),
    }
}

fn refusal(error: SignInError) -> Result<Response, HttpProblem> {
    let (status, detail) = (status(&error), sentence(&error));
    match error {
        SignInError::Failed(error) => Err(error.into()),
        error => Ok(with_wait(HttpProblem::new(status, detail).into_response(), &error)),
    }
}

/// Returns the status of a response to a sign-in that failed.
pub fn status(error: &SignInError) -> StatusCode {
    match error {
        SignInError::Wrong => StatusCode::UNAUTHORIZED,
        SignInError::NoRole => StatusCode::FORBIDDEN,
        SignInError::Locked(_) => StatusCode::TOO_MANY_REQUESTS,
        SignInError::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Adds to a response when the next attempt is possible.
pub fn with_wait(mut response: Response, error: &SignInError) -> Response {
    if let SignInError::Locked(wait) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// Adds the cookie of a new session to a response.
pub fn with_session(mut response: Response, signed_in: &SignedIn, client: Client, config: &Config) -> Response {
    let seconds = u32::from(config.login.session_days) * 24 * 3600;
    // A browser sends a secure cookie only over HTTPS, which no machine has for itself.
    let secure = if client.is_loopback { "" } else { "; Secure" };
    let secret = signed_in.secret.reveal();
    set_cookie(&mut response, &format!("{secret}; Max-Age={seconds}{secure}"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Removes the cookie of a session.
pub fn without_session(mut response: Response) -> Response {
    set_cookie(&mut response, "; Max-Age=0");
    response
}

fn set_cookie(response: &mut Response, value: &str) {
    let cookie = format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Sign out.
///
/// Ends the session of the cookie.
#[utoipa::path(
    post, path = "/api/logout", operation_id = "signOut", tag = "sign-in",
    responses((status = 204, description = "The session has ended."))
)]
async fn logout(State(state): State<ServerState>, caller: Caller) -> Result<Response, HttpProblem> {
    if !logins::sign_out(&state.pool, caller.token_id).await? {
        let detail = "a token has no session that could end: `lectern token revoke` revokes it";
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    Ok(without_session(StatusCode::NO_CONTENT.into_response()))
}

/// Who am I?
///
/// The name and role of the session or token.
#[utoipa::path(
    get, path = "/api/me", operation_id = "getMe", tag = "sign-in",
    responses((status = 200, description = "The caller.", body = Me))
)]
async fn me(caller: Caller, request: Request) -> Json<Me> {
    let session = credentials(request.headers()).ok().filter(|credentials| credentials.is_cookie);
    Json(Me {
        name: caller.name,
        role: caller.role,
        subject_id: caller.subject_id,
        csrf_token: session.map(|session| csrf_token(session.secret)),
    })
}
