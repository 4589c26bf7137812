//! Checks that hold on any day after a migration: places, constraints, sequences, and a receipt's tables.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::receipt;
use super::recognition::TABLES;
use super::reference::reference;
use super::store;
use super::survey::{Survey, survey};
use crate::error::{Error, Result};
use crate::migrate::catalog::{Catalog, Relation};

/// One check with what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    pub name: String,
    pub expected: Value,
    pub found: Value,
    pub ok: bool,
}

impl Check {
    pub(super) fn new(name: impl Into<String>, expected: impl Into<Value>, found: impl Into<Value>) -> Check {
        let (expected, found) = (expected.into(), found.into());
        Check { name: name.into(), ok: expected == found, expected, found }
    }
}

/// Checks the database.
pub async fn verify(db: &mut PgConnection) -> Result<Vec<Check>> {
    let survey = survey(db).await?;
    let mut checks: Vec<Check> = TABLES.iter().map(|table| place(&survey, table)).collect();
    for expected in &reference().catalog.tables {
        match survey.catalog.table(&expected.schema, &expected.name).filter(|table| table.is_table()) {
            Some(table) => {
                checks.extend(constraints(expected, table));
                checks.extend(sequences(db, table).await?);
            }
            None => checks.push(Check::new(expected.full_name(), "a table", "nothing")),
        }
    }
    for (name, expected, found) in super::tutorial_references::verify(db).await? {
        checks.push(Check::new(name, expected, found));
    }
    checks.extend(super::lesson_sessions::verify(db, &survey.catalog).await?);
    let broken = super::adopt::broken_rules(db).await?;
    if broken.is_empty() {
        checks.push(Check::new("rows that break a rule", "none", "none"));
    }
    checks.extend(broken.into_iter().map(|sentence| Check::new("rows that break a rule", "none", sentence)));
    Ok(checks)
}

/// Checks that one of the seven tables is in `adm` and in no other place.
fn place(survey: &Survey, table: &str) -> Check {
    let placed = survey.plan.placements.iter().find(|placed| placed.table == table);
    let found = placed.map(|placed| placed.found.join(", ")).unwrap_or_default();
    Check::new(format!("adm.{table}"), format!("adm.{table}"), found)
}

fn constraints(expected: &Relation, table: &Relation) -> Vec<Check> {
    let describe = |found: Option<(&str, bool)>| match found {
        Some((_, true)) => "valid",
        Some((_, false)) => "not valid",
        None => "missing",
    };
    let check = |name: &str, found| Check::new(format!("{}: {name}", table.full_name()), "valid", describe(found));
    let mut checks = Vec::new();
    for constraint in &expected.constraints {
        let found = table.constraints.iter().find(|found| found.name == constraint.name);
        let found = found.map(|found| (found.name.as_str(), found.is_valid));
        let index = || table.indexes.iter().find(|index| index.name == constraint.name && index.is_unique);
        let found = found.or_else(|| index().map(|index| (index.name.as_str(), index.is_valid)));
        checks.push(check(&constraint.name, found));
    }
    for index in expected.indexes.iter().filter(|index| !index.is_of_constraint) {
        let found = table.indexes.iter().find(|found| found.name == index.name);
        checks.push(check(&index.name, found.map(|found| (found.name.as_str(), found.is_valid))));
    }
    checks
}

/// Checks that each sequence is ahead of its column.
pub(super) async fn sequences(db: &mut PgConnection, table: &Relation) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for sequence in &table.sequences {
        if let Some((greatest, next)) = store::sequence_position(db, table, sequence).await? {
            checks.push(Check {
                name: format!("sequence {}.{}", sequence.schema, sequence.name),
                expected: json!(format!("above {greatest}")),
                found: json!(next),
                ok: next > greatest,
            });
        }
    }
    Ok(checks)
}

/// Checks the signature of a receipt, and that its tables are still the same ones.
///
/// `document` is the receipt, or the document of `migrate apply --json` that contains it.
///
/// # Errors
/// [`Error::Usage`] when the file contains no receipt.
pub async fn verify_receipt(db: &mut PgConnection, document: &Value) -> Result<Vec<Check>> {
    let no_receipt =
        || Error::Usage("the file contains no receipt: pass what `lectern migrate apply --json` printed".into());
    let receipt: &Map<String, Value> =
        document.get("receipt").unwrap_or(document).as_object().ok_or_else(no_receipt)?;
    if !receipt.contains_key("signature") {
        return Err(no_receipt());
    }
    let key = store::receipt_key(db).await?;
    let is_genuine = key.is_some_and(|key| receipt::is_genuine(receipt, &key));
    let state = if is_genuine { "genuine" } else { "altered, or of another installation" };
    let mut checks = vec![Check::new("signature of the receipt", "genuine", state)];
    let catalog = crate::migrate::catalog::read(db).await?;
    for table in receipt.get("tables").and_then(Value::as_array).into_iter().flatten() {
        checks.extend(same_table(&catalog, table));
    }
    Ok(checks)
}

fn same_table(catalog: &Catalog, receipt: &Value) -> Option<Check> {
    let after = receipt.get("after").filter(|after| after.is_object())?;
    let oid = after.get("oid")?.as_i64()?;
    let found = catalog.tables.iter().find(|table| table.oid == oid).map(Relation::full_name);
    let name = format!("receipt: {}", receipt.get("table")?.as_str()?);
    Some(Check::new(name, after.get("place")?.clone(), found.unwrap_or_else(|| "nothing".to_owned())))
}
