//! Who sends a request, and with which rights.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::store::profiles;
use crate::error::{Error, Result};

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
    /// Every role, the one with the most rights first.
    pub const ALL: [Role; 6] = [Role::Admin, Role::Operator, Role::Reader, Role::Tutor, Role::Student, Role::Parent];

    /// Returns the stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Operator => "operator",
            Role::Reader => "reader",
            Role::Tutor => "tutor",
            Role::Student => "student",
            Role::Parent => "parent",
        }
    }

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

/// What a session is judged by at each request, besides its token.
#[derive(Debug, Clone)]
pub(super) struct SessionState {
    pub login: i64,
    /// SHA-256 of the stored password at the sign-in.
    pub password_digest: Vec<u8>,
    /// The role that was granted; none for a superuser without one.
    pub role: Option<Role>,
    pub subject_id: Option<i64>,
}

/// Checks that a role has a profile if it needs one, and that the profile exists where the database has some.
///
/// # Errors
/// [`Error::Usage`] for a missing, unexpected or unknown profile.
pub(super) async fn check_subject(pool: &PgPool, role: Role, subject_id: Option<i64>) -> Result<()> {
    check_has_subject(role, subject_id)?;
    if let (Some(profiles), Some(id)) = (role.profile_table(), subject_id)
        && profiles::is_missing(pool, profiles, id).await?
    {
        return Err(Error::Usage(format!("unknown profile {id}: pass an id of {profiles} with --subject")));
    }
    Ok(())
}

/// Checks that a role has a profile if it needs one, and none otherwise.
///
/// # Errors
/// [`Error::Usage`] for a missing or unexpected profile.
pub(super) fn check_has_subject(role: Role, subject_id: Option<i64>) -> Result<()> {
    let reason = match (role.profile_table(), subject_id) {
        (Some(_), None) => "this role sees the records of one profile only: pass its id with --subject",
        (None, Some(_)) => "--subject is only for the roles tutor, student and parent",
        _ => return Ok(()),
    };
    Err(Error::Usage(reason.into()))
}
