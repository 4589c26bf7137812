//! Least privileges for two roles: the owner, who runs `lectern migrate`, and the service, as which everything else runs.

pub mod cli;
mod privileges;
mod script;
mod store;

use serde::Deserialize;
use sqlx::PgConnection;

use crate::error::Result;

/// What the privileges of the two roles depend on.
#[derive(Debug, Default, Deserialize)]
pub struct DatabaseRoles {
    database: String,
    /// Those of the two that exist.
    roles: Vec<FoundRole>,
    /// Whether the service is a member of the owner.
    is_member: bool,
    /// Whether every role may create objects in schema `public`.
    everybody_creates: bool,
    schemas: Vec<FoundSchema>,
    tables: Vec<OwnedTable>,
    /// Functions of schema `lectern` that belong to another role.
    functions: Vec<String>,
    referrers: Vec<ReferringColumn>,
}

#[derive(Debug, Deserialize)]
struct FoundRole {
    name: String,
    is_superuser: bool,
}

#[derive(Debug, Deserialize)]
struct FoundSchema {
    name: String,
    owner: String,
}

/// A table or view of any schema.
#[derive(Debug, Deserialize)]
struct OwnedTable {
    schema: String,
    name: String,
    /// `r` table, `p` partitioned table, another letter for a view or foreign table.
    kind: String,
    owner: String,
    is_owner_superuser: bool,
    /// Sequences that its defaults use, quoted.
    sequences: Vec<String>,
    /// What the service may do with it now.
    granted: Vec<String>,
    columns: Vec<String>,
}

impl OwnedTable {
    fn is_known(&self) -> bool {
        ["r", "p"].contains(&self.kind.as_str()) && privileges::known_name(&self.schema, &self.name).is_some()
    }
}

/// A column that refers to rows which the undo of a sync may delete.
#[derive(Debug, Deserialize)]
struct ReferringColumn {
    schema: String,
    name: String,
    column: String,
}

/// Returns each table that the service uses, with the privileges that it needs, such as `SELECT, UPDATE (date_joined)`.
pub(super) fn of_service() -> &'static [(&'static str, &'static str)] {
    privileges::SERVICE
}

/// Gives each service what it needs on the tables that exist now, and nothing else.
///
/// A service is a role that the statements of `lectern migrate plan --grants` have marked.
pub(super) async fn renew(db: &mut PgConnection) -> Result<()> {
    let services = store::services(db).await?;
    if services.is_empty() {
        return Ok(());
    }
    let tables = store::own_tables(db).await?;
    for service in services {
        let of_table = |(schema, name, columns): &(String, String, Vec<String>)| {
            script::of_table((schema, name), columns, &service)
        };
        let statements: Vec<String> = tables.iter().flat_map(of_table).collect();
        store::execute(db, &statements).await?;
    }
    Ok(())
}
