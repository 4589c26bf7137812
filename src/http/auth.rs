//! Authentication and authorisation over HTTP, as extractors: the signature of a handler shows who may call it.
//!
//! The caller sends a bearer token (RFC 6750) in the `Authorization` header. Without a valid token the response is 401,
//! with an insufficient role 403. Both are problems with a `WWW-Authenticate` header.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
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

/// Why a request is refused.
#[derive(Debug)]
pub enum AuthError {
    /// The request has no bearer token.
    Unknown,
    /// The token is unknown, revoked or expired.
    Invalid,
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
