//! Who asks over HTTP: extractors, so that a route's signature says who may call it.
//!
//! A bearer token (RFC 6750) in the `Authorization` header; 401 where there is none or it is nobody's, 403 where its role
//! may not. Both are problems and carry `WWW-Authenticate`.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sqlx::PgPool;

use super::problem::HttpProblem;
use crate::error::Error;
use crate::identity;
use crate::identity::{Caller, Role};

/// An operator or an admin.
#[derive(Debug, Clone)]
pub struct Operator(pub Caller);

/// Whoever reads everything: a reader, an operator or an admin.
#[derive(Debug, Clone)]
pub struct Reader(pub Caller);

/// Why somebody is not let through.
#[derive(Debug)]
pub enum AuthError {
    /// No token was shown.
    Unknown,
    /// The token is nobody's.
    Invalid,
    /// The role may not do this; who may.
    Forbidden(&'static str),
    /// The database could not be asked.
    Unavailable(Error),
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    PgPool: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let secret = bearer(&parts.headers)?;
        let caller = identity::authenticate(&PgPool::from_ref(state), secret).await.map_err(AuthError::Unavailable)?;
        caller.ok_or(AuthError::Invalid)
    }
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
            Role::Reader | Role::Tutor | Role::Student | Role::Parent => {
                Err(AuthError::Forbidden("the token's role may not do this; it takes an operator or an admin"))
            }
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
                "the token's role sees its own alone; it takes a reader, an operator or an admin",
            )),
        }
    }
}

/// The token of the one `Authorization` header, whose scheme is written in any case.
fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(shown), None) = (shown.next(), shown.next()) else {
        return Err(if headers.contains_key(header::AUTHORIZATION) { AuthError::Invalid } else { AuthError::Unknown });
    };
    let (scheme, secret) = shown.to_str().unwrap_or_default().split_once(' ').ok_or(AuthError::Invalid)?;
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
                "this needs a token: Authorization: Bearer …; `lectern token create` makes one",
            ),
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
    fn a_token_is_read_from_one_header() {
        for (shown, expected) in [
            (vec!["Bearer abc"], Ok("abc")),
            (vec!["bearer   abc "], Ok("abc")),
            (vec!["BEARER abc"], Ok("abc")),
            (vec![], Err("Unknown")),
            (vec!["Basic abc"], Err("Unknown")),
            (vec!["Bearer"], Err("Invalid")),
            (vec!["Bearer abc", "Bearer def"], Err("Invalid")),
        ] {
            let mut headers = HeaderMap::new();
            for value in &shown {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            let read = bearer(&headers).map_err(|denied| format!("{denied:?}"));
            assert_eq!(read, expected.map_err(str::to_owned), "{shown:?}");
        }
    }
}
