//! Identity: who may do what over HTTP, as far as tokens tell it.
//!
//! Promises: a token's secret is shown once and never kept, only its digest is; a revoked or expired token is nobody from
//! that moment on; a role that sees only its own names whose.
//!
//! Does not: know logins of the site, or which route asks for which role (`auth.rs` and the routes do).

pub mod cli;
mod store;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

pub use store::{list, revoke};

use crate::error::{Error, Result};

/// How a secret begins, so that it is recognised where it should not be.
const PREFIX: &str = "lectern_";

/// What somebody may do (contract §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Imports, syncs, the outbox, and the provider's data.
    Operator,
    /// Reads everything.
    Reader,
    /// A tutor's own.
    Tutor,
    /// A student's own.
    Student,
    /// A parent's children's.
    Parent,
}

impl Role {
    /// The table of the profiles of which it sees only one's own, which then has to be named.
    fn profiles(self) -> Option<&'static str> {
        match self {
            Role::Tutor => Some("tutor_profiles"),
            Role::Student => Some("student_profiles"),
            Role::Parent => Some("parent_profiles"),
            Role::Admin | Role::Operator | Role::Reader => None,
        }
    }

    /// Whether it sees only what belongs to one profile, which then has to be named.
    pub fn has_subject(self) -> bool {
        self.profiles().is_some()
    }
}

/// Whoever shows a token that is known.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Caller {
    /// The token's id.
    pub token_id: i64,
    /// The token's name.
    pub name: String,
    /// What the caller may do.
    pub role: Role,
    /// Whose profile it is, for the roles that have one.
    pub subject_id: Option<i64>,
}

/// A token as it is listed; times are RFC 3339 in UTC.
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

/// What is asked of a new token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for, in a person's words.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// Whose profile it is.
    pub subject_id: Option<i64>,
    /// After so many days it is nobody's.
    pub days: Option<u32>,
}

/// A token's secret; it shows itself to nobody but its maker.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(String);

impl SecretToken {
    /// A secret of 256 random bits.
    ///
    /// # Errors
    /// The operating system has no randomness.
    fn draw() -> Result<SecretToken> {
        let mut bytes = [0; 32];
        let source = rustls::crypto::ring::default_provider().secure_random;
        source.fill(&mut bytes).map_err(|_| Error::Failed("this machine has no random numbers to offer".into()))?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(SecretToken(format!("{PREFIX}{hex}")))
    }

    /// The secret itself, for the one place that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret")
    }
}

/// Makes a token; gives its id and the secret, which is not kept.
///
/// # Errors
/// [`Error::Usage`] for a name that says nothing, and for a role without the subject that it needs, with one that it does
/// not, or with one that nobody has (where this database has people at all).
pub async fn create(pool: &PgPool, asked: &NewToken) -> Result<(i64, SecretToken)> {
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::Usage("--name takes 1 to 100 characters that say what the token is for".into()));
    }
    match (asked.role.profiles(), asked.subject_id) {
        (Some(_), None) => {
            return Err(Error::Usage(
                "this role sees only its own: name whose with --subject, the profile's id".into(),
            ));
        }
        (None, Some(_)) => return Err(Error::Usage("--subject is for the roles tutor, student and parent".into())),
        (Some(profiles), Some(id)) if store::lacks(pool, profiles, id).await? => {
            return Err(Error::Usage(format!("nobody has the id {id}: --subject takes an id of {profiles}")));
        }
        _ => {}
    }
    let secret = SecretToken::draw()?;
    let id = store::insert(pool, &NewToken { name: name.to_owned(), ..asked.clone() }, &digest(&secret.0)).await?;
    Ok((id, secret))
}

/// Who shows this secret; none where it is unknown, revoked or expired.
///
/// Whoever tries secrets learns nothing from how long this takes: the database compares digests, which they cannot choose.
pub async fn authenticate(pool: &PgPool, secret: &str) -> Result<Option<Caller>> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    store::find(pool, &digest(secret)).await
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_shown() {
        let (one, other) = (SecretToken::draw().expect("random"), SecretToken::draw().expect("random"));
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert!(!format!("{one:?}").contains(&one.reveal()[PREFIX.len()..]));
    }
}
