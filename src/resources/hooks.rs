//! What a resource does beyond its own table, in the transaction of a request.

use std::collections::BTreeSet;
use std::future::ready;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::audience::Audience;
use super::problems::Problems;
use crate::config::Config;
use crate::error::Result;
use crate::http::problem::{FieldError, HttpProblem};
use crate::identity::Caller;

/// A row to write.
#[derive(Clone, Debug, Default)]
pub struct RowDraft {
    /// JSON pointer of the document in the body: empty, or `/N` in a list.
    pub pointer: String,
    /// None until the row is created.
    pub id: Option<i64>,
    /// The document before the change; null for a new row.
    pub current: Value,
    /// Whether fields that the body leaves out get their default.
    pub replaces: bool,
    /// Names of the fields in the body.
    pub given: BTreeSet<String>,
    /// Values by name of field: all of a new row, the changed ones of another.
    pub values: Map<String, Value>,
    /// Values of the inputs that were given.
    pub inputs: Map<String, Value>,
    /// New rows of other resources, by name of the include that returns them.
    pub children: Vec<(&'static str, Vec<RowDraft>)>,
}

impl RowDraft {
    /// Returns the pointer of a field.
    pub fn pointer_of(&self, field: &str) -> String {
        format!("{}/{field}", self.pointer)
    }

    /// Returns the value of a field after the write.
    pub fn value(&self, field: &str) -> &Value {
        self.values.get(field).unwrap_or(&self.current[field])
    }

    /// Reports whether the row is new or the field gets another value.
    pub fn changes(&self, field: &str) -> bool {
        self.current.is_null() || self.values.get(field).is_some_and(|value| !is_same(value, &self.current[field]))
    }

    /// Reports whether the row is new or any field gets another value.
    pub fn changes_anything(&self) -> bool {
        self.current.is_null() || self.values.iter().any(|(name, value)| !is_same(value, &self.current[name]))
    }
}

/// Reports whether two values are equal. An instant may be written in two ways.
fn is_same(one: &Value, other: &Value) -> bool {
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    one == other || instant(one).is_some_and(|one| instant(other) == Some(one))
}

/// The request of a write.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// The settings; none for a write of the program itself.
    pub config: Option<&'a Config>,
    /// Who writes; none for a write of the program itself.
    pub caller: Option<&'a Caller>,
    /// What the caller sees.
    pub audience: Audience,
    /// The parameters of the address.
    pub parameters: &'a [(String, String)],
}

impl WriteRequest<'_> {
    /// A write of the program itself.
    pub const OF_PROGRAM: WriteRequest<'static> =
        WriteRequest { config: None, caller: None, audience: Audience::Operator, parameters: &[] };

    /// Returns the last value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns whether a parameter is set to 1 or true.
    ///
    /// # Errors
    /// 400 when it has another value than 1, true, 0 and false.
    pub fn flag(&self, name: &str) -> std::result::Result<bool, HttpProblem> {
        match self.parameter(name) {
            Some("1" | "true") => Ok(true),
            None | Some("0" | "false") => Ok(false),
            Some(_) => {
                let message = format!("{name} is 1 or 0");
                Err(HttpProblem::fields(FieldError::new(format!("/{name}"), "invalid_value", message)))
            }
        }
    }
}

/// When a row is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    Now,
    /// Another process deletes it after it has done something else: the response is 202.
    Later,
}

/// What a resource does beyond its own table. All run in the transaction of the request.
pub trait ResourceHooks: Sync {
    /// Changes and checks rows before they are written, all at once.
    fn before<'a>(
        &'a self,
        _db: &'a mut PgConnection,
        _request: &'a WriteRequest<'a>,
        _drafts: &'a mut [RowDraft],
        _problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(Ok(())))
    }

    /// Writes what depends on the rows, and checks the result. All ids are known.
    fn after<'a>(
        &'a self,
        _db: &'a mut PgConnection,
        _request: &'a WriteRequest<'a>,
        _drafts: &'a [RowDraft],
        _problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(Ok(())))
    }

    /// Prepares the deletion of a row, which is locked.
    fn before_deletion<'a>(
        &'a self,
        _db: &'a mut PgConnection,
        _request: &'a WriteRequest<'a>,
        _document: &'a Value,
        _problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(ready(Ok(Deletion::Now)))
    }
}

/// A resource that is its table and nothing else.
pub(super) struct NoHooks;

impl ResourceHooks for NoHooks {}

/// Rows of other tables that are not deleted with a row, although a foreign key would delete them.
#[derive(Clone, Copy, Debug)]
pub struct CascadeGuard {
    pub table: &'static str,
    /// SQL condition on `child` for the rows that stay.
    pub condition: &'static str,
}
