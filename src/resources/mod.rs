//! Table resources: rows of a table as documents of the HTTP API, described as plain data.
//!
//! A [`TableResource`] says which fields a document has and which values they take. From it follow lists with filters and
//! ordering, single documents with entity tags, creation of one or many rows, replacement, change and deletion. What a
//! resource does beyond its own table is in its [`ResourceHooks`].
//!
//! SQL is built from descriptions and the system catalogue only. Every value of a request is bound.

pub mod api;
mod body;
pub mod description;
pub mod problems;
mod query;
mod refusal;
pub mod rows;
mod store;
mod value;
mod write;

use std::future::ready;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use self::problems::Problems;
use crate::error::Result;

/// A table whose rows are documents of the API.
pub struct TableResource {
    /// Path of the list.
    pub path: &'static str,
    /// Path of one document, with `{id}`.
    pub item_path: &'static str,
    /// The word for one row in messages.
    pub noun: &'static str,
    /// The table with its schema.
    pub table: &'static str,
    pub fields: &'static [ResourceField],
    /// Fields that only a creation takes, for [`ResourceHooks::before`].
    pub inputs: &'static [ResourceField],
    /// Parts of a document that are returned on request.
    pub includes: &'static [Include],
    /// Names of fields by which lists are ordered by default.
    pub order: &'static [&'static str],
    /// SQL condition on `item` for the rows that anonymous callers may read.
    pub public_rows: &'static str,
    /// Pairs of fields of which the first is not after the second.
    pub periods: &'static [(&'static str, &'static str)],
    /// Further tables whose rows are part of a row: they are deleted with it.
    pub parts: &'static [&'static str],
    /// A column that receives the time of each change, if no trigger sets it.
    pub changed_column: Option<&'static str>,
    pub hooks: &'static dyn ResourceHooks,
}

impl TableResource {
    /// A resource without properties, to which a description adds its own.
    pub const BASE: TableResource = TableResource {
        path: "",
        item_path: "",
        noun: "",
        table: "",
        fields: &[],
        inputs: &[],
        includes: &[],
        order: &["id"],
        public_rows: "true",
        periods: &[],
        parts: &[],
        changed_column: None,
        hooks: &NoHooks,
    };

    fn field(&self, name: &str) -> Option<&'static ResourceField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the tables that the routes of the resource read and write, each with the privileges on it.
    pub fn needed_privileges(&self) -> Vec<(&'static str, &'static [&'static str])> {
        const ALL: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];
        let mut needed: Vec<(&'static str, &'static [&'static str])> = vec![(self.table, ALL)];
        needed.extend(self.fields.iter().filter_map(|field| match &field.source {
            FieldSource::Links(links) => Some((links.table, &["SELECT", "INSERT", "DELETE"][..])),
            FieldSource::Parts(parts) => Some((parts.table, ALL)),
            FieldSource::Column { .. } | FieldSource::Expression(_) => None,
        }));
        needed
    }

    /// Reports whether rows of a table are deleted with a row of this resource as its parts.
    fn has_part(&self, table: &str) -> bool {
        let of_field = self.fields.iter().any(|field| match &field.source {
            FieldSource::Links(links) => links.table == table,
            FieldSource::Parts(parts) => parts.table == table,
            FieldSource::Column { .. } | FieldSource::Expression(_) => false,
        });
        of_field || self.parts.contains(&table)
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
}

/// Where the value of a field is stored.
#[derive(Debug)]
pub enum FieldSource {
    /// A column. `read` is the SQL expression that returns it, if it is another one.
    Column { column: &'static str, read: Option<&'static str> },
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

/// The values that a field takes.
#[derive(Debug)]
pub enum ValueKind {
    Flag,
    Integer {
        min: i64,
        max: i64,
    },
    /// The id of a row of a table.
    Reference(&'static str),
    /// One line of text.
    Line {
        max: usize,
    },
    /// Text with line breaks.
    Note,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words.
    Choices(&'static [&'static str]),
    /// An amount of money with two decimals.
    Amount,
    /// An ISO 4217 code.
    Currency,
    /// An instant. A date alone is its first second, or its last one for an end.
    Instant {
        is_end: bool,
    },
    /// Ids of rows of a table, each once.
    Ids(&'static str),
    /// Documents with these fields, whose first field is the key.
    Items(&'static [ResourceField]),
}

impl ValueKind {
    /// Reports whether rows can be ordered and filtered by values of this kind.
    fn is_scalar(&self) -> bool {
        !matches!(self, Self::Choices(_) | Self::Ids(_) | Self::Items(_))
    }

    /// Returns the type with which PostgreSQL reads the JSON value.
    fn sql_type(&self) -> &'static str {
        match self {
            Self::Flag => "boolean",
            Self::Integer { .. } | Self::Reference(_) => "bigint",
            Self::Line { .. } | Self::Note | Self::Choice(_) | Self::Currency => "text",
            Self::Amount => "numeric",
            Self::Instant { .. } => "timestamptz",
            Self::Choices(_) | Self::Ids(_) | Self::Items(_) => "jsonb",
        }
    }
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
    /// SQL expression on `item`.
    pub expression: &'static str,
}

impl ResourceField {
    /// Creates a required field of a column with the same name.
    pub const fn new(name: &'static str, kind: ValueKind) -> Self {
        Self { name, kind, source: FieldSource::Column { column: name, read: None }, usage: FieldUsage::Required }
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

    /// Sets where the value is stored.
    pub const fn from(self, source: FieldSource) -> Self {
        Self { source, ..self }
    }

    /// Returns the SQL expression of a scalar value. `row` is the alias of the table.
    fn expression(&self, row: &str) -> String {
        match &self.source {
            FieldSource::Column { read: Some(expression), .. } | FieldSource::Expression(expression) => {
                (*expression).to_owned()
            }
            FieldSource::Column { column, read: None } => format!("{row}.{column}"),
            FieldSource::Links(_) | FieldSource::Parts(_) => "NULL".to_owned(),
        }
    }

    /// Returns the column that a body writes.
    fn written_column(&self) -> Option<&'static str> {
        match (&self.source, &self.usage) {
            (_, FieldUsage::ReadOnly) => None,
            (FieldSource::Column { column, .. }, _) => Some(column),
            (FieldSource::Expression(_) | FieldSource::Links(_) | FieldSource::Parts(_), _) => None,
        }
    }
}

/// A row to write.
#[derive(Clone, Debug, Default)]
pub struct RowDraft {
    /// JSON pointer of the document in the body: empty, or `/N` in a list.
    pub pointer: String,
    /// None until the row is created.
    pub id: Option<i64>,
    /// Values by name of field: all of a new row, the changed ones of another.
    pub values: Map<String, Value>,
    /// Values of the inputs that were given.
    pub inputs: Map<String, Value>,
}

impl RowDraft {
    /// Returns the pointer of a field.
    pub fn pointer_of(&self, field: &str) -> String {
        format!("{}/{field}", self.pointer)
    }
}

/// What a resource does beyond its own table. Both run in the transaction of the request, for all rows at once.
pub trait ResourceHooks: Sync {
    /// Changes and checks rows before they are written.
    fn before<'a>(
        &'a self,
        _db: &'a mut PgConnection,
        _drafts: &'a mut [RowDraft],
        _problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(Ok(())))
    }

    /// Writes what depends on the rows, and checks the result. All ids are known.
    fn after<'a>(
        &'a self,
        _db: &'a mut PgConnection,
        _drafts: &'a [RowDraft],
        _problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(Ok(())))
    }
}

/// A resource that is its table and nothing else.
struct NoHooks;

impl ResourceHooks for NoHooks {}

/// Rows of other tables that are not deleted with a row, although a foreign key would delete them.
#[derive(Clone, Copy, Debug)]
pub struct CascadeGuard {
    pub table: &'static str,
    /// SQL condition on `child` for the rows that stay.
    pub condition: &'static str,
}
