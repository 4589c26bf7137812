//! Roles, API tokens, and people who sign in.
//!
//! The secret of a token is shown once; only its digest is stored. A revoked or expired token is invalid at once. A
//! token of a tutor, student or parent names the profile whose records it may see. The session of a person who has signed
//! in ([`logins`]) is a token, too: its secret is in a cookie.
//!
//! Which role a route requires is decided by the extractors in `http::auth`.

pub mod api;
mod caller;
pub mod cli;
pub mod logins;
pub mod pages;
pub mod passwords;
mod secret;
mod store;

use serde::Serialize;
use sqlx::PgPool;

pub use self::caller::{Caller, Role};
use self::caller::{check_has_subject, check_subject};
use self::secret::{PREFIX, digest};
pub use self::secret::{SecretToken, csrf_token};
pub use self::store::{is_valid, list, revoke};

use crate::error::{Error, Result};

/// A token without its secret. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Token {
    pub id: i64,
    pub name: String,
    pub role: Role,
    #[serde(rename = "subject")]
    pub subject_id: Option<i64>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub revoked_at: Option<String>,
}

/// The properties of a token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Purpose of the token, 1 to 100 characters.
    pub name: String,
    pub role: Role,
    /// Id of the profile, for roles that see the records of one profile only.
    pub subject_id: Option<i64>,
    /// Days until the token expires. None: never.
    pub days: Option<u32>,
}

impl NewToken {
    /// Checks what can be checked without the database.
    ///
    /// # Errors
    /// [`Error::Usage`] for an empty or long name, and for a role with a missing or unexpected profile.
    pub fn check(&self) -> Result<()> {
        if !(1..=100).contains(&self.name.trim().chars().count()) {
            let reason = "--name must have 1 to 100 characters: describe the purpose of the token";
            return Err(Error::Usage(reason.into()));
        }
        check_has_subject(self.role, self.subject_id)
    }
}

/// Creates a token; returns its id and its secret, which is not stored.
///
/// # Errors
/// [`Error::Usage`] for an empty or long name, and for a role with a missing, unexpected or unknown profile. Profiles are
/// checked only where the database has some.
pub async fn create(pool: &PgPool, token: &NewToken) -> Result<(i64, SecretToken)> {
    token.check()?;
    check_subject(pool, token.role, token.subject_id).await?;
    let secret = SecretToken::generate()?;
    let id = store::insert(
        pool,
        &NewToken { name: token.name.trim().to_owned(), ..token.clone() },
        &digest(secret.reveal()),
    )
    .await?;
    Ok((id, secret))
}

/// Returns the caller with this secret, or none if the token is unknown, revoked or expired, or the session has ended.
///
/// The time that this takes reveals nothing about valid secrets: digests are compared, which an attacker cannot choose.
pub async fn authenticate(pool: &PgPool, secret: &str) -> Result<Option<Caller>> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    let Some((caller, session)) = store::find(pool, &digest(secret)).await? else { return Ok(None) };
    match session {
        None => Ok(Some(caller)),
        Some(session) => {
            let rights = logins::rights_of(pool, &session).await?;
            Ok(rights.map(|rights| Caller { role: rights.role, subject_id: rights.subject_id, ..caller }))
        }
    }
}
