//! What a database contains, read from PostgreSQL's system catalogue: tables with their columns, constraints, indexes,
//! sequences, triggers, grants and dependents. Plain data: moves are planned on it without a database.

mod store;

use serde::{Deserialize, Serialize};

pub(super) use self::store::{quote, read};

/// The relations of the schemas `public`, `acted`, `adm` and `lectern`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    pub tables: Vec<Relation>,
    /// Schemas that exist, of the four.
    pub schemas: Vec<String>,
    /// The user of the connection.
    pub user: String,
    /// Of these schemas, the ones into which the user may not look.
    #[serde(skip)]
    pub closed_schemas: Vec<String>,
    /// Of these schemas, the ones in which the user may not create anything.
    #[serde(skip)]
    pub fixed_schemas: Vec<String>,
    /// The database, if the user may not create schemas in it.
    #[serde(skip)]
    pub fixed_database: Option<String>,
    /// Relations that are neither one of the tables nor part of one, such as a sequence that no column uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherRelation>,
}

/// A relation of which only the name matters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct OtherRelation {
    pub oid: i64,
    pub schema: String,
    pub name: String,
}

/// A table, or a view or other relation in the place of one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Relation {
    #[serde(skip_serializing_if = "is_zero")]
    pub oid: i64,
    pub schema: String,
    pub name: String,
    /// `r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table.
    pub kind: String,
    /// The file that holds the rows. It stays the same when a table is renamed or gets another schema.
    #[serde(skip_serializing_if = "is_zero")]
    pub filenode: i64,
    /// Size with indexes.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: i64,
    /// Rows as PostgreSQL's statistics estimate them; negative before the first ANALYZE.
    #[serde(skip_serializing_if = "is_zero")]
    pub estimated_rows: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Whether the user of the connection may change the table.
    #[serde(skip_serializing_if = "is_false")]
    pub is_owned: bool,
    /// Whether the user of the connection may read all columns.
    #[serde(skip_serializing_if = "is_false")]
    pub is_readable: bool,
    /// Whether roles see only some of the rows.
    #[serde(skip_serializing_if = "is_false")]
    pub has_row_security: bool,
    pub columns: Vec<RelationColumn>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    pub sequences: Vec<Sequence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<Dependent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referenced_by: Vec<InboundKey>,
}

/// A column of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RelationColumn {
    pub name: String,
    /// As PostgreSQL writes it, such as `character varying(64)`.
    pub data_type: String,
    pub not_null: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub is_identity: bool,
}

/// A constraint. Those of a unique index share its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraint {
    #[serde(skip_serializing_if = "is_zero")]
    pub oid: i64,
    pub name: String,
    /// `p` primary key, `u` unique, `f` foreign key, `c` check, `x` exclusion.
    pub kind: String,
    pub columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<KeyTarget>,
    #[serde(skip_serializing_if = "is_false")]
    pub is_deferrable: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub is_deferred: bool,
    pub is_valid: bool,
    /// As PostgreSQL writes it, without the name.
    pub definition: String,
}

/// What a foreign key refers to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyTarget {
    #[serde(skip_serializing_if = "is_zero")]
    pub oid: i64,
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
    /// `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default.
    pub on_delete: String,
    pub on_update: String,
}

/// An index, of a constraint or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    #[serde(skip_serializing_if = "is_zero")]
    pub oid: i64,
    pub name: String,
    pub is_unique: bool,
    pub is_valid: bool,
    pub is_of_constraint: bool,
    /// What stands behind `USING`, such as `btree (code varchar_pattern_ops)`.
    pub definition: String,
}

/// A sequence that gives a column its values, owned by the column or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    #[serde(skip_serializing_if = "is_zero")]
    pub oid: i64,
    pub schema: String,
    pub name: String,
    pub column: String,
    /// Whether it follows its table into another schema.
    pub is_owned: bool,
    /// Whether a column of another table uses it too.
    #[serde(skip_serializing_if = "is_false")]
    pub is_shared: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    pub name: String,
    /// Schema of its function.
    pub schema: String,
}

/// What a role may do with a table or with one of its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grant {
    /// Name of the role; empty for everybody.
    pub role: String,
    pub privilege: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub can_grant: bool,
}

/// A view or materialized view on a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dependent {
    pub schema: String,
    pub name: String,
    pub kind: String,
    /// Columns of the table that it reads.
    pub columns: Vec<String>,
}

/// A foreign key of another table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboundKey {
    pub schema: String,
    pub table: String,
    pub constraint: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Catalog {
    /// Returns the relation of a name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.tables.iter().find(|table| table.schema == schema && table.name == name)
    }

    pub fn has_schema(&self, name: &str) -> bool {
        self.schemas.iter().any(|schema| schema == name)
    }

    /// Says in which schemas the user of the connection may not create anything; none if there are none.
    ///
    /// Without it a move would succeed and the next step, or the undo, would fail.
    pub fn fixed_schemas_message(&self) -> Option<String> {
        self.privilege_message(&self.fixed_schemas, "CREATE", "may not create anything in")
    }

    /// Says that the user of the connection may not create schemas; none if it may, or if all of them exist.
    pub fn fixed_database_message(&self) -> Option<String> {
        let is_missing = ["acted", "adm", "lectern"].iter().any(|schema| !self.has_schema(schema));
        let database = self.fixed_database.as_ref().filter(|_| is_missing)?;
        Some(format!(
            "the user {} may not create schemas in this database: run as its owner: GRANT CREATE ON DATABASE {} TO {}",
            self.user,
            quote(database),
            quote(&self.user)
        ))
    }

    /// Says into which schemas the user of the connection may not look; none if there are none.
    pub fn closed_schemas_message(&self) -> Option<String> {
        self.privilege_message(&self.closed_schemas, "USAGE", "may not use")
    }

    fn privilege_message(&self, schemas: &[String], privilege: &str, lacks: &str) -> Option<String> {
        let user = &self.user;
        (!schemas.is_empty()).then(|| {
            format!(
                "the user {user} {lacks} schema {}: run as the owner of the database: GRANT {privilege} ON SCHEMA {} TO {}",
                schemas.join(", "),
                schemas.join(", "),
                quote(user)
            )
        })
    }
}

impl InboundKey {
    /// Returns the name of the other table with its schema, for people.
    pub fn table_name(&self) -> String {
        format!("{}.{}", quote_if_needed(&self.schema), quote_if_needed(&self.table))
    }
}

impl Relation {
    /// Returns the name with its schema, for people.
    pub fn full_name(&self) -> String {
        format!("{}.{}", quote_if_needed(&self.schema), quote_if_needed(&self.name))
    }

    /// Returns the name with its schema for a statement.
    pub fn sql_name(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }

    /// Reports whether this is a table, not a view or another relation.
    pub fn is_table(&self) -> bool {
        self.kind == "r" || self.kind == "p"
    }

    /// Returns what a relation is if it is no table.
    pub fn other_kind(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "r" | "p" => None,
            "v" => Some("a view"),
            "m" => Some("a materialized view"),
            "f" => Some("a foreign table"),
            _ => Some("another kind of relation"),
        }
    }

    /// Says that the user of the connection may not change the table.
    pub fn foreign_owner_message(&self, user: &str) -> String {
        format!(
            "{} belongs to the role {}, and {user} is no member of it: run `lectern migrate` as its owner",
            self.full_name(),
            self.owner
        )
    }

    pub fn column(&self, name: &str) -> Option<&RelationColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl RelationColumn {
    /// Reports whether an insert without a value for the column succeeds.
    pub fn is_optional(&self) -> bool {
        !self.not_null || self.default.is_some() || self.is_identity
    }
}

/// Quotes an identifier where PostgreSQL would, apart from keywords.
fn quote_if_needed(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        quote(name)
    }
}
