//! Authentication and authorisation over HTTP, as extractors: the signature of a handler shows who may call it.
//!
//! A program sends a bearer token (RFC 6750) in the `Authorization` header; a browser sends the cookie of its session, and
//! with every change the session's CSRF token, so that other sites cannot make it change anything. Without a valid token
//! the response is 401, with an insufficient role 403. Both are problems with a `WWW-Authenticate` header.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sqlx::PgPool;

use super::problem::HttpProblem;
use crate::error::Error;
use crate::identity;
use crate::identity::{Caller, Role};

/// A caller with the role operator or admin.
#[derive(Debug, Clone)]
pub struct Operator(pub Caller);

/// A caller who may read everything: a reader, an operator or an admin.
#[derive(Debug, Clone)]
pub struct Reader(pub Caller);

/// The name of the cookie with the secret of a session.
pub const SESSION_COOKIE: &str = "lectern_session";

/// The header in which a script sends the CSRF token of its session.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrftoken");

/// Why a request is refused.
#[derive(Debug)]
pub enum AuthError {
    /// The request has neither a bearer token nor the cookie of a session.
    Unknown,
    /// The token is unknown, revoked or expired.
    Invalid,
    /// The session has ended.
    Ended,
    /// A change with the cookie of a session, but without its CSRF token.
    Forged,
    /// The role of the token does not suffice. The message names the roles that do.
    Forbidden(&'static str),
    /// The token cannot be looked up.
    Unavailable(Error),
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    PgPool: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let credentials = credentials(&parts.headers)?;
        if credentials.is_cookie && !parts.method.is_safe() && !has_csrf_token(&parts.headers, credentials.secret) {
            return Err(AuthError::Forged);
        }
        authenticate(&PgPool::from_ref(state), credentials).await
    }
}

/// What a request identifies itself with.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub secret: &'a str,
    /// Whether a browser sent it by itself.
    pub is_cookie: bool,
}

/// Returns the credentials of a request: the bearer token, else the cookie of a session.
///
/// # Errors
/// [`AuthError`] when there are none, or when the `Authorization` header is malformed.
pub fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, AuthError> {
    match bearer(headers) {
        Err(AuthError::Unknown) => {
            let secret = cookie(headers, SESSION_COOKIE).ok_or(AuthError::Unknown)?;
            Ok(Credentials { secret, is_cookie: true })
        }
        secret => Ok(Credentials { secret: secret?, is_cookie: false }),
    }
}

/// Returns the caller with these credentials.
///
/// # Errors
/// [`AuthError`] when they are not valid, or the database fails.
pub async fn authenticate(pool: &PgPool, credentials: Credentials<'_>) -> Result<Caller, AuthError> {
    let caller = identity::authenticate(pool, credentials.secret).await.map_err(AuthError::Unavailable)?;
    caller.ok_or(if credentials.is_cookie { AuthError::Ended } else { AuthError::Invalid })
}

/// Returns the value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn has_csrf_token(headers: &HeaderMap, secret: &str) -> bool {
    let sent = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    identity::passwords::is_equal(sent, identity::csrf_token(secret).as_bytes())
}

impl<S: Send + Sync> FromRequestParts<S> for Operator
where
    PgPool: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Admin | Role::Operator => Ok(Operator(caller)),
            Role::Reader | Role::Tutor | Role::Student | Role::Parent => Err(AuthError::Forbidden(
                "the role of this token does not suffice: use the token of an operator or admin",
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader
where
    PgPool: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role.has_subject() {
            false => Ok(Reader(caller)),
            true => Err(AuthError::Forbidden(
                "the role of this token does not suffice: use the token of a reader, operator or admin",
            )),
        }
    }
}

/// Returns the token of the only `Authorization` header. The scheme is case-insensitive.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(if headers.contains_key(header::AUTHORIZATION) { AuthError::Invalid } else { AuthError::Unknown });
    };
    let (scheme, secret) = value.to_str().unwrap_or_default().split_once(' ').ok_or(AuthError::Invalid)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(secret.trim()),
        false => Err(AuthError::Unknown),
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (status, challenge, detail) = match self {
            AuthError::Unknown => (
                StatusCode::UNAUTHORIZED,
                "Bearer realm=\"lectern\"",
                "a token is required: send Authorization: Bearer …; `lectern token create` creates one",
            ),
            AuthError::Ended => {
                (StatusCode::UNAUTHORIZED, "Bearer realm=\"lectern\"", "the session has ended: sign in again")
            }
            AuthError::Forged => {
                let detail = "a change with the cookie of a session needs its CSRF token in the header X-CSRFToken";
                return HttpProblem::new(StatusCode::FORBIDDEN, detail).into_response();
            }
            AuthError::Invalid => (
                StatusCode::UNAUTHORIZED,
                "Bearer realm=\"lectern\", error=\"invalid_token\"",
                "the token is unknown, revoked or expired",
            ),
            AuthError::Forbidden(detail) => {
                (StatusCode::FORBIDDEN, "Bearer realm=\"lectern\", error=\"insufficient_scope\"", detail)
            }
            AuthError::Unavailable(error) => return HttpProblem::from(error).into_response(),
        };
        let mut response = HttpProblem::new(status, detail).into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_is_found_by_its_name() {
        for (values, expected) in [
            (vec!["lectern_session=abc"], Some("abc")),
            (vec!["theme=dark; lectern_session=abc; x=y"], Some("abc")),
            (vec!["theme=dark", "lectern_session=abc"], Some("abc")),
            (vec!["not_lectern_session=abc"], None),
            (vec!["lectern_session"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(header::COOKIE, HeaderValue::from_static(value));
            }
            assert_eq!(cookie(&headers, SESSION_COOKIE), expected, "{values:?}");
        }
    }

    #[test]
    fn token_is_read_from_only_header() {
        for (values, expected) in [
            (vec!["Bearer abc"], Ok("abc")),
            (vec!["bearer   abc "], Ok("abc")),
            (vec!["BEARER abc"], Ok("abc")),
            (vec![], Err("Unknown")),
            (vec!["Basic abc"], Err("Unknown")),
            (vec!["Bearer"], Err("Invalid")),
            (vec!["Bearer abc", "Bearer def"], Err("Invalid")),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            let read = bearer(&headers).map_err(|error| format!("{error:?}"));
            assert_eq!(read, expected.map_err(str::to_owned), "{values:?}");
        }
    }
}
