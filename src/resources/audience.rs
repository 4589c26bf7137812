//! Who reads documents.

use crate::identity::Role;

/// Readers of documents. Each sees what those before it see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// Everyone, also without a token.
    Public,
    /// Callers who may read everything except personal data.
    Reader,
    /// Callers who may write.
    Operator,
}

impl Audience {
    /// All of them, beginning with the one that sees most.
    pub(super) const ALL: [Audience; 3] = [Audience::Operator, Audience::Reader, Audience::Public];
}

impl From<Role> for Audience {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin | Role::Operator => Self::Operator,
            Role::Reader => Self::Reader,
            Role::Tutor | Role::Student | Role::Parent => Self::Public,
        }
    }
}
