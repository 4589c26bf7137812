//! Roles, API tokens, and people who sign in.
//!
//! The secret of a token is shown once; only its digest is stored. A revoked or expired token is invalid at once. A
//! token of a tutor, student or parent names the profile whose records it may see. The session of somebody who has signed
//! in ([`logins`]) is a token, too: its secret is in a cookie.
//!
//! Which role a route requires is decided by the extractors in `http::auth`.

pub mod api;
pub mod cli;
pub mod logins;
pub mod pages;
pub mod passwords;
mod store;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

pub use store::{is_valid, list, revoke};

use crate::error::{Error, Result};

/// The prefix of every secret, so that secret scanners recognise one.
const PREFIX: &str = "lectern_";

/// The rights of a caller.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// May do everything.
    Admin,
    /// Imports, syncs, delivers, and edits the provider's data.
    Operator,
    /// Reads everything.
    Reader,
    /// Sees the records of one tutor.
    Tutor,
    /// Sees the records of one student.
    Student,
    /// Sees the records of the children of one parent.
    Parent,
}

impl Role {
    /// Returns the table of profiles, for a role that sees the records of one profile only.
    fn profile_table(self) -> Option<&'static str> {
        match self {
            Role::Tutor => Some("tutor_profiles"),
            Role::Student => Some("student_profiles"),
            Role::Parent => Some("parent_profiles"),
            Role::Admin | Role::Operator | Role::Reader => None,
        }
    }

    /// Reports whether the role sees the records of one profile only. Its tokens must name the profile.
    pub fn has_subject(self) -> bool {
        self.profile_table().is_some()
    }
}

/// The sender of a request with a valid token or session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Id of the token or session.
    pub token_id: i64,
    /// Id of the login, for a session.
    pub login_id: Option<i64>,
    /// Name of the token or login.
    pub name: String,
    pub role: Role,
    /// Id of the profile, for roles that see the records of one profile only.
    pub subject_id: Option<i64>,
}

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

/// The secret of a token. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(String);

impl SecretToken {
    /// Generates a secret of 256 random bits.
    ///
    /// # Errors
    /// When the operating system returns no random bytes.
    fn generate() -> Result<SecretToken> {
        Ok(SecretToken(format!("{PREFIX}{}", hex::encode(random_bytes::<32>()?))))
    }

    /// Returns the secret. Call this only where it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret")
    }
}

/// Returns random bytes for secrets.
fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| Error::Failed("the operating system returned no random bytes".into()))?;
    Ok(bytes)
}

/// Checks that a role has a profile if it needs one, and that the profile exists where the database has some.
///
/// # Errors
/// [`Error::Usage`] for a missing, unexpected or unknown profile.
async fn check_subject(pool: &PgPool, role: Role, subject_id: Option<i64>) -> Result<()> {
    check_has_subject(role, subject_id)?;
    if let (Some(profiles), Some(id)) = (role.profile_table(), subject_id)
        && store::is_missing(pool, profiles, id).await?
    {
        return Err(Error::Usage(format!("unknown profile {id}: pass an id of {profiles} with --subject")));
    }
    Ok(())
}

fn check_has_subject(role: Role, subject_id: Option<i64>) -> Result<()> {
    let reason = match (role.profile_table(), subject_id) {
        (Some(_), None) => "this role sees the records of one profile only: pass its id with --subject",
        (None, Some(_)) => "--subject is only for the roles tutor, student and parent",
        _ => return Ok(()),
    };
    Err(Error::Usage(reason.into()))
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
    let id = store::insert(pool, &NewToken { name: token.name.trim().to_owned(), ..token.clone() }, &digest(&secret.0))
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

/// Returns what a form of a session must send back, so that forms of other sites are refused.
pub fn csrf_token(secret: &str) -> String {
    hex::encode(Sha256::digest(format!("csrf token of {secret}")))
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let (one, other) = (SecretToken::generate().expect("random"), SecretToken::generate().expect("random"));
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert!(!format!("{one:?}").contains(&one.reveal()[PREFIX.len()..]));
    }
}
