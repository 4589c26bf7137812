//! Hashes the content of tables before and after a move.

use sqlx::PgConnection;

use super::change::Inverse;
use super::store;
use super::survey::survey;
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation};

/// The tables whose content is hashed.
pub(super) enum Which<'a> {
    /// Those that `adm-schema` moves.
    Placed,
    /// Those that `adopt` changes.
    Changing,
    /// Those that were hashed before, with the same columns.
    Same(&'a [Hashed]),
}

/// A table with its content at one moment.
#[derive(Debug, Clone)]
pub(super) struct Hashed {
    pub oid: i64,
    pub name: String,
    pub place: String,
    pub filenode: i64,
    pub columns: Vec<String>,
    pub content: store::Content,
}

/// Hashes tables, all as of one moment, under locks that let writers go on.
pub(super) async fn contents(db: &mut PgConnection, which: &Which<'_>) -> Result<Vec<Hashed>> {
    store::hash_settings(db).await?;
    let survey = survey(db).await?;
    let chosen: Vec<(i64, Option<Vec<String>>)> = match which {
        Which::Placed => survey.plan.moving.iter().map(|change| (change.table_oid, None)).collect(),
        Which::Changing => survey.plan.adoption.iter().map(|change| (change.table_oid, None)).collect(),
        Which::Same(before) => before.iter().map(|table| (table.oid, Some(table.columns.clone()))).collect(),
    };
    // A converted column has another text afterwards.
    let is_converted = |table: &Relation, column: &str| {
        survey.plan.adoption.iter().any(|change| {
            matches!(&change.inverse, Inverse::ArrayType { table: oid, column: name, .. } if *oid == table.oid && name == column)
        })
    };
    let chosen = |table: &Relation| {
        let (_, columns) = chosen.iter().find(|(oid, _)| *oid == table.oid)?;
        let names = table.columns.iter().map(|column| column.name.clone());
        Some(columns.clone().unwrap_or_else(|| names.filter(|name| !is_converted(table, name)).collect()))
    };
    hash(db, &survey.catalog, chosen).await
}

/// Hashes the columns that `chosen` names of each table, in a transaction that began with [`store::hash_settings`].
pub(super) async fn hash(
    db: &mut PgConnection,
    catalog: &Catalog,
    chosen: impl Fn(&Relation) -> Option<Vec<String>>,
) -> Result<Vec<Hashed>> {
    let mut hashed = Vec::new();
    for table in catalog.tables.iter().filter(|table| table.is_table()) {
        let Some(columns) = chosen(table) else { continue };
        let content = store::content(db, &table.sql_name(), &columns).await?;
        hashed.push(Hashed {
            oid: table.oid,
            name: table.name.clone(),
            place: table.full_name(),
            filenode: table.filenode,
            columns,
            content,
        });
    }
    Ok(hashed)
}
