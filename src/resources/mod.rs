//! Table resources: rows of a table as documents of the HTTP API, described as plain data.
//!
//! A [`TableResource`] says which fields a document has and which values they take. From it follow lists with filters and
//! ordering, single documents with entity tags, creation of one or many rows, replacement, change and deletion. What a
//! resource does beyond its own table is in its [`ResourceHooks`].
//!
//! SQL is built from descriptions and the system catalogue only. Every value of a request is bound.

pub mod api;
mod audience;
mod body;
pub mod description;
mod endpoint;
mod filter;
mod hooks;
mod kind;
pub mod pages;
pub mod problems;
mod query;
mod refusal;
pub mod rows;
mod store;
mod transaction;
mod value;
mod write;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

pub use audience::Audience;
pub use filter::{DocumentFilter, FilterKind, RangeOf};
pub use hooks::{CascadeGuard, Deletion, ResourceHooks, RowDraft, WriteRequest};
pub use kind::ValueKind;

use self::hooks::NoHooks;
use crate::config::Config;
use crate::error::Result;

/// A table whose rows are documents of the API.
pub struct TableResource {
    /// Path of the list.
    pub path: &'static str,
    /// Path of one document, with `{id}`.
    pub item_path: &'static str,
    /// The word for one row in messages.
    pub noun: &'static str,
    /// Name of the document and its group in the description. Empty: they follow from the path.
    pub schema_name: &'static str,
    pub tag: &'static str,
    /// The table with its schema.
    pub table: &'static str,
    /// SQL expression on `item`, `details` and the joins: the name of a row for people.
    pub label: &'static str,
    /// A table with at most one row for each row. It is joined as `details`.
    pub details: Option<DetailTable>,
    /// SQL joins on `item` and `details`, whose rows belong to one row at most, for the expressions of fields.
    pub joins: &'static str,
    pub fields: &'static [ResourceField],
    /// Fields that only a creation takes, for [`ResourceHooks::before`].
    pub inputs: &'static [ResourceField],
    /// Read-only fields that pages show and documents do not have.
    pub page_fields: &'static [ResourceField],
    /// Parts of a document that are returned on request.
    pub includes: &'static [Include],
    /// Filters of lists beside those of the fields.
    pub filters: &'static [DocumentFilter],
    /// A further path of the list, below a row of another resource.
    pub nested: Option<NestedList>,
    /// Names of fields by which lists are ordered by default.
    pub order: &'static [&'static str],
    /// SQL condition on `item` for the rows that anonymous callers may read.
    pub public_rows: &'static str,
    /// Pairs of fields of which the first is not after the second.
    pub periods: &'static [(&'static str, &'static str)],
    /// Further tables whose rows are part of a row: they are deleted with it.
    pub parts: &'static [&'static str],
    /// A statement that locks other rows before a row, whose id is `$1`, is locked.
    pub lock_first: Option<&'static str>,
    /// A column that receives the time of each change, if no trigger sets it.
    pub changed_column: Option<&'static str>,
    /// Returns a document as it was at a time, for resources with a history.
    pub past: Option<PastDocument>,
    /// Completes a document with what only the settings know.
    pub complete: Option<fn(&Config, Audience, &mut Value)>,
    /// Parameters of the address of POST, PUT and PATCH, and of DELETE, for the hooks.
    pub write_parameters: &'static [&'static str],
    pub deletion_parameters: &'static [&'static str],
    pub hooks: &'static dyn ResourceHooks,
}

/// Returns the document of a row as it was at a time; none if the row did not exist then.
pub type PastDocument = for<'a> fn(&'a mut PgConnection, i64, Timestamp) -> BoxFuture<'a, Result<Option<Value>>>;

impl TableResource {
    /// A resource without properties, to which a description adds its own.
    pub const BASE: TableResource = TableResource {
        path: "",
        item_path: "",
        noun: "",
        schema_name: "",
        tag: "",
        table: "",
        label: "item.id::text",
        details: None,
        joins: "",
        fields: &[],
        inputs: &[],
        page_fields: &[],
        includes: &[],
        filters: &[],
        nested: None,
        order: &["id"],
        public_rows: "true",
        periods: &[],
        parts: &[],
        lock_first: None,
        changed_column: None,
        past: None,
        complete: None,
        write_parameters: &[],
        deletion_parameters: &[],
        hooks: &NoHooks,
    };

    fn field(&self, name: &str) -> Option<&'static ResourceField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns a field that documents or pages have.
    fn shown_field(&self, name: &str) -> Option<&'static ResourceField> {
        self.field(name).or_else(|| self.page_fields.iter().find(|field| field.name == name))
    }

    /// Returns the tables that the routes of the resource read and write, each with the privileges on it.
    pub fn needed_privileges(&self) -> Vec<(&'static str, &'static [&'static str])> {
        const ALL: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];
        let mut needed: Vec<(&'static str, &'static [&'static str])> = vec![(self.table, ALL)];
        needed.extend(self.fields.iter().filter_map(|field| match &field.source {
            FieldSource::Links(links) => Some((links.table, &["SELECT", "INSERT", "DELETE"][..])),
            FieldSource::Parts(parts) => Some((parts.table, ALL)),
            FieldSource::Column { .. } | FieldSource::Detail { .. } | FieldSource::Expression(_) => None,
        }));
        needed.extend(self.details.iter().map(|details| (details.table, &["SELECT", "INSERT", "UPDATE"][..])));
        needed
    }

    /// Reports whether rows of a table are deleted with a row of this resource as its parts.
    fn has_part(&self, table: &str) -> bool {
        let of_field = self.fields.iter().any(|field| match &field.source {
            FieldSource::Links(links) => links.table == table,
            FieldSource::Parts(parts) => parts.table == table,
            FieldSource::Column { .. } | FieldSource::Detail { .. } | FieldSource::Expression(_) => false,
        });
        let is_details = self.details.as_ref().is_some_and(|details| details.table == table);
        of_field || is_details || self.parts.contains(&table)
    }
}

impl std::fmt::Debug for TableResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path)
    }
}

/// One field of a document.
#[derive(Debug)]
pub struct ResourceField {
    pub name: &'static str,
    pub kind: ValueKind,
    pub source: FieldSource,
    pub usage: FieldUsage,
    /// Who sees the field.
    pub audience: Audience,
}

/// Where the value of a field is stored.
#[derive(Debug)]
pub enum FieldSource {
    /// A column. `read` is the SQL expression that returns it, if it is another one.
    Column { column: &'static str, read: Option<&'static str> },
    /// A column of the details. `read` is the SQL expression that returns it, if it is another one.
    Detail { column: &'static str, read: Option<&'static str> },
    /// An SQL expression on `item`. A field that can be written is written by the hooks.
    Expression(&'static str),
    /// Ids in a table of links.
    Links(LinkTable),
    /// Rows of another table.
    Parts(PartTable),
}

/// Whether a caller gives the value of a field.
#[derive(Debug)]
pub enum FieldUsage {
    /// Returned, and ignored in a body.
    ReadOnly,
    Required,
    /// Required unless all of these inputs are given.
    RequiredOr(&'static [&'static str]),
    Optional(DefaultValue),
}

/// The value of a field that is not given.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    Null,
    /// A value that the hooks generate in place of null.
    Generated,
    Flag(bool),
    Number(i64),
    Text(&'static str),
    EmptyList,
}

impl DefaultValue {
    fn json(self) -> Value {
        match self {
            Self::Null | Self::Generated => Value::Null,
            Self::Flag(flag) => flag.into(),
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::EmptyList => Value::Array(Vec::new()),
        }
    }
}

/// A table with at most one row for each row of a resource.
#[derive(Debug)]
pub struct DetailTable {
    pub table: &'static str,
    /// The column with the id of the row, which is unique.
    pub own: &'static str,
}

/// A table whose rows link a row with rows of another table.
#[derive(Debug)]
pub struct LinkTable {
    pub table: &'static str,
    /// The column with the id of the row.
    pub own: &'static str,
    /// The column with the id of the linked row.
    pub other: &'static str,
}

/// A table whose rows are parts of a row.
#[derive(Debug)]
pub struct PartTable {
    pub table: &'static str,
    /// The column with the id of the row.
    pub own: &'static str,
    /// SQL order of the parts, on `part`.
    pub order: &'static str,
    /// SQL condition on `part` for the parts that anonymous callers may read.
    pub public_rows: &'static str,
}

/// A part of a document that is returned when `include` names it.
#[derive(Debug)]
pub struct Include {
    pub name: &'static str,
    pub content: IncludedContent,
}

/// What an include returns.
#[derive(Debug)]
pub enum IncludedContent {
    /// An SQL expression on `item`.
    Expression(&'static str),
    /// Documents of another resource. A creation accepts them, and creates them with the row.
    Rows {
        resource: &'static TableResource,
        /// The field of their resource with the id of the row.
        own: &'static str,
    },
}

/// The list of a resource below a row of another one.
#[derive(Debug)]
pub struct NestedList {
    /// Path of the list, with `{id}` of the other row.
    pub path: &'static str,
    pub parent: &'static TableResource,
    /// The field with the id of the other row.
    pub field: &'static str,
}

impl ResourceField {
    /// Creates a required field of a column with the same name.
    pub const fn new(name: &'static str, kind: ValueKind) -> Self {
        let source = FieldSource::Column { column: name, read: None };
        Self { name, kind, source, usage: FieldUsage::Required, audience: Audience::Public }
    }

    /// Creates the field of the primary key.
    pub const fn id() -> Self {
        Self::new("id", ValueKind::Integer { min: 1, max: i64::MAX }).read_only()
    }

    /// Creates an optional flag.
    pub const fn flag(name: &'static str, default: bool) -> Self {
        Self::new(name, ValueKind::Flag).or(DefaultValue::Flag(default))
    }

    /// Creates a required reference to a table.
    pub const fn reference(name: &'static str, table: &'static str) -> Self {
        Self::new(name, ValueKind::Reference(table))
    }

    /// Creates a read-only time.
    pub const fn time(name: &'static str) -> Self {
        Self::new(name, ValueKind::Instant { is_end: false }).read_only()
    }

    /// Makes the field optional, with a default.
    pub const fn or(self, default: DefaultValue) -> Self {
        Self { usage: FieldUsage::Optional(default), ..self }
    }

    /// Makes the field read-only.
    pub const fn read_only(self) -> Self {
        Self { usage: FieldUsage::ReadOnly, ..self }
    }

    /// Makes the field required unless these inputs are given.
    pub const fn or_inputs(self, inputs: &'static [&'static str]) -> Self {
        Self { usage: FieldUsage::RequiredOr(inputs), ..self }
    }

    /// Shows the field only to these readers.
    pub const fn only_for(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// Sets where the value is stored.
    pub const fn from(self, source: FieldSource) -> Self {
        Self { source, ..self }
    }

    /// Returns the SQL expression of a scalar value. `row` is the alias of the table.
    fn expression(&self, row: &str) -> String {
        match &self.source {
            FieldSource::Column { read: Some(expression), .. }
            | FieldSource::Detail { read: Some(expression), .. }
            | FieldSource::Expression(expression) => (*expression).to_owned(),
            FieldSource::Detail { column, read: None } => format!("details.{column}"),
            FieldSource::Column { column, read: None } => format!("{row}.{column}"),
            FieldSource::Links(_) | FieldSource::Parts(_) => "NULL".to_owned(),
        }
    }

    /// Returns the column that a body writes.
    fn written_column(&self) -> Option<&'static str> {
        match (&self.source, &self.usage) {
            (_, FieldUsage::ReadOnly) => None,
            (FieldSource::Column { column, .. }, _) => Some(column),
            (_, _) => None,
        }
    }

    /// Returns the column of the details that a body writes.
    fn written_detail(&self) -> Option<&'static str> {
        match (&self.source, &self.usage) {
            (FieldSource::Detail { column, .. }, usage) if !matches!(usage, FieldUsage::ReadOnly) => Some(column),
            _ => None,
        }
    }
}
