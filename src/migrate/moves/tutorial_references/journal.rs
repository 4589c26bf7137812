//! What the move has to remember for its undo.

use serde::{Deserialize, Serialize};

use super::removed::{RemovedColumn, mentions};
use crate::error::{Error, Result};
use crate::migrate::catalog::{Catalog, Grant, Index, Relation, quote};
use crate::migrate::moves::change::Inverse;
use crate::migrate::moves::compat_views;

/// What was there before the move, apart from rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceJournal {
    pub tables: Vec<FormerTable>,
    /// OID of the table of event instructors, which was in schema `acted`.
    pub event_instructors: Option<i64>,
    /// Whether a trigger stored the former and the present column of the product equal.
    pub had_former_product: bool,
    /// Values of each removed column in the archive.
    pub archived: Vec<Archived>,
}

/// A table that lost columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormerTable {
    pub oid: i64,
    /// The table as the archive names it.
    pub source: String,
    pub columns: Vec<FormerColumn>,
    /// Constraints and indexes that went with the columns: their names, and what stands behind `ALTER TABLE` or `CREATE`.
    pub constraints: Vec<(String, String)>,
    pub indexes: Vec<(String, String)>,
    /// Name and OID of every index and constraint. Those that come back have another OID.
    #[serde(default)]
    pub oids: Vec<(String, i64)>,
    /// Views under former names, with the columns that they showed.
    pub views: Vec<(String, Vec<String>)>,
    /// Greatest id when the columns went: rows above it were written since.
    pub last_id: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormerColumn {
    pub name: String,
    pub data_type: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub details: ColumnDetails,
    pub grants: Vec<Grant>,
}

/// What the catalogue does not contain of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnDetails {
    /// As SQL writes it, if it is not that of the type.
    pub collation: Option<String>,
    pub comment: Option<String>,
}

/// How many values of a column are in the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archived {
    pub source: String,
    pub field: String,
    pub rows: i64,
}

impl ReferenceJournal {
    pub fn inverse(&self) -> Result<Inverse> {
        let journal = serde_json::to_value(self)
            .map_err(|error| Error::Failed(format!("the journal of the move cannot be written: {error}")))?;
        Ok(Inverse::References { journal })
    }

    /// Returns the journal of a move that is in force.
    pub fn of(inverses: &[Inverse]) -> Result<ReferenceJournal> {
        let journal = inverses.iter().find_map(|inverse| match inverse {
            Inverse::References { journal } => Some(journal.clone()),
            _ => None,
        });
        let Some(journal) = journal else { return Ok(ReferenceJournal::default()) };
        serde_json::from_value(journal)
            .map_err(|error| Error::Failed(format!("lectern.moves: the journal of the move cannot be read: {error}")))
    }
}

impl FormerTable {
    pub fn new(
        catalog: &Catalog,
        table: &Relation,
        removed: &[RemovedColumn<'_>],
        details: &[ColumnDetails],
        last_id: i64,
    ) -> FormerTable {
        let is_gone = |name: &String| removed.iter().any(|gone| gone.column.name == *name);
        let mut constraints = Vec::new();
        for constraint in table.constraints.iter().filter(|constraint| constraint.columns.iter().any(is_gone)) {
            let definition = format!("ADD CONSTRAINT {} {}", quote(&constraint.name), constraint.definition);
            constraints.push((constraint.name.clone(), definition));
        }
        let is_on_it = |index: &&Index| {
            !index.is_of_constraint && removed.iter().any(|gone| mentions(&index.definition, &gone.column.name))
        };
        let mut indexes = Vec::new();
        for index in table.indexes.iter().filter(is_on_it) {
            let unique = if index.is_unique { "UNIQUE " } else { "" };
            let definition = &index.definition;
            let sql = format!("{unique}INDEX {} ON {} USING {definition}", quote(&index.name), table.sql_name());
            indexes.push((index.name.clone(), sql));
        }
        let columns = removed.iter().zip(details).map(|(gone, details)| FormerColumn {
            name: gone.column.name.clone(),
            data_type: gone.column.data_type.clone(),
            not_null: gone.column.not_null,
            default: gone.column.default.clone(),
            details: details.clone(),
            grants: table
                .grants
                .iter()
                .filter(|grant| grant.column.as_ref() == Some(&gone.column.name))
                .cloned()
                .collect(),
        });
        FormerTable {
            oid: table.oid,
            source: format!("{}.{}", table.schema, table.name),
            columns: columns.collect(),
            constraints,
            indexes,
            oids: oids(table),
            views: compat_views::columns_of_views(catalog, table),
            last_id,
        }
    }
}

/// Returns name and OID of every index and constraint of a table.
pub fn oids(table: &Relation) -> Vec<(String, i64)> {
    let indexes = table.indexes.iter().map(|index| (index.name.clone(), index.oid));
    let others = table.constraints.iter().filter(|constraint| !matches!(constraint.kind.as_str(), "p" | "u" | "x"));
    indexes.chain(others.map(|constraint| (constraint.name.clone(), constraint.oid))).collect()
}
