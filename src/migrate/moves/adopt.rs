//! Applies the move `adopt`: names and rules under one short lock, what takes long while readers and writers go on.

use std::sync::atomic::Ordering;
use std::time::Instant;

use sqlx::PgConnection;

use super::change::{Change, Inverse, Phase, Rule};
use super::hashing::{Which, contents};
use super::locks::{Done, lock, parts};
use super::plan::rules;
use super::receipt::{MoveReceipt, TableReceipt};
use super::recognition::former_places;
use super::reference::reference;
use super::rename::unfinished_name;
use super::survey::{ADOPT, Survey, refuse, survey};
use super::{compat_views, store};
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Constraint, Relation, quote};

/// Brings the existing tables to the shape of a fresh database. Returns what was done, and the rules that rows break.
///
/// It is called before the versioned SQL and after it: then the tables exist to which added foreign keys refer.
pub async fn adopt(attempts: &Attempts<'_>) -> Result<MoveReceipt> {
    let started = Instant::now();
    let before = attempts.transaction(async |db| contents(db, &Which::Changing).await).await?;
    if before.is_empty() {
        // An interrupted application may have left a rule that was not checked yet.
        let problems = validate(attempts).await?;
        return Ok(MoveReceipt { name: ADOPT.to_owned(), problems, ..MoveReceipt::default() });
    }
    let done = change_tables(attempts).await?;
    let mut changes = done.changes;
    // What lets readers and writers go on is done one by one, each in its own time.
    for change in attempts.transaction(concurrent).await? {
        if run_concurrently(attempts, &change).await? {
            changes.push(format!("{}: {}", change.table, change.action));
        }
    }
    let mut problems = validate(attempts).await?;
    let after = attempts.transaction(async |db| contents(db, &Which::Same(&before)).await).await?;
    problems.extend(attempts.transaction(broken_rules).await?);
    Ok(MoveReceipt {
        name: ADOPT.to_owned(),
        tables: TableReceipt::pairs(ADOPT, &before, &after),
        changes,
        problems,
        notes: Vec::new(),
        locked: done.locked,
        took: started.elapsed(),
        ..MoveReceipt::default()
    })
}

/// Records that existing tables are adopted as they are, if nothing is recorded yet.
pub async fn record_adoption(db: &mut PgConnection) -> Result<()> {
    store::prepare_records(db, &super::receipt::new_key()?).await?;
    store::record(db, ADOPT, &[]).await
}

async fn change_tables(attempts: &Attempts<'_>) -> Result<Done> {
    let find = async |db: &mut PgConnection| {
        let survey = survey(db).await?;
        refuse(&survey.plan.adoption_conflicts)?;
        let mut changes = Vec::new();
        for change in survey.plan.adoption.iter().filter(|change| change.phase == Phase::Locked) {
            if holds(db, &survey.catalog, change).await? {
                changes.push(change.clone());
            }
        }
        record_adoption(db).await?;
        Ok((changes, survey.catalog))
    };
    let (changes, catalog) = attempts.transaction(find).await?;
    attempts.has_changed.store(true, Ordering::Relaxed);
    let mut done = Done::default();
    for part in parts(&changes) {
        let requested = attempts.transaction(async |db| change_table(db, part, &catalog).await).await?;
        done.add(part.iter().map(|change| format!("{}: {}", change.table, change.action)), requested);
    }
    Ok(done)
}

/// Makes the changes that lock the same tables. Returns when it requested for the locks.
async fn change_table(db: &mut PgConnection, changes: &[Change], catalog: &Catalog) -> Result<Instant> {
    let inverses: Vec<Inverse> = changes.iter().map(|change| change.inverse.clone()).collect();
    store::record(db, ADOPT, &inverses).await?;
    let views = compat_views::around(catalog, changes)?;
    let mut statements = lock(changes, catalog);
    statements.extend(views.drop);
    for change in changes {
        statements.extend(change.statements.iter().cloned());
        statements.extend(restored(change, catalog));
    }
    statements.extend(views.create);
    let requested = Instant::now();
    store::execute(db, &statements).await?;
    Ok(requested)
}

/// Returns the statements that give an added column the values that an undo has archived.
fn restored(change: &Change, catalog: &Catalog) -> Vec<String> {
    let Inverse::Column { table, name } = &change.inverse else { return Vec::new() };
    let Some(table) = store::table_of(catalog, *table) else { return Vec::new() };
    let expected = reference().catalog.table(&table.schema, &table.name).and_then(|table| table.column(name));
    let Some(expected) = expected else { return Vec::new() };
    store::restore_column(&table.sql_name(), &former_places(table), name, &expected.data_type)
}

/// Reports whether no row breaks the rule of a change.
async fn holds(db: &mut PgConnection, catalog: &Catalog, change: &Change) -> Result<bool> {
    let (Some(rule), Some(table)) = (&change.rule, store::table_of(catalog, change.table_oid)) else { return Ok(true) };
    Ok(store::violations(db, table, rule).await?.is_empty())
}

async fn concurrent(db: &mut PgConnection) -> Result<Vec<Change>> {
    let survey = survey(db).await?;
    let mut changes = Vec::new();
    for change in survey.plan.adoption.into_iter().filter(|change| change.phase == Phase::Concurrent) {
        if holds(db, &survey.catalog, &change).await? {
            changes.push(change);
        }
    }
    Ok(changes)
}

const CONCURRENTLY: &str = " CONCURRENTLY ";

/// Runs the statements of a change, each on its own. Returns false if rows written meanwhile break its rule.
async fn run_concurrently(attempts: &Attempts<'_>, change: &Change) -> Result<bool> {
    attempts.transaction(async |db| store::record(db, ADOPT, std::slice::from_ref(&change.inverse)).await).await?;
    for statement in &change.statements {
        let run = async |db: &mut PgConnection| {
            if statement.contains(CONCURRENTLY) {
                let (index, is_temporary) = match &change.inverse {
                    Inverse::Constraint { name, .. } => (unfinished_name(name), true),
                    Inverse::Index { name, .. } => (name.clone(), false),
                    _ => return Ok(()),
                };
                store::drop_unfinished_index(db, change.table_oid, &index, is_temporary).await?;
            }
            store::execute(db, std::slice::from_ref(statement)).await
        };
        let done = match statement.contains(CONCURRENTLY) {
            true => attempts.patiently(run).await,
            // Others wait behind it.
            false => attempts.transaction(run).await,
        };
        match done {
            Err(error) if is_violation(&error) => return Ok(false),
            done => done?,
        }
    }
    Ok(true)
}

/// Validates the constraints that were added without a check of the existing rows. Returns those that rows break.
async fn validate(attempts: &Attempts<'_>) -> Result<Vec<String>> {
    let catalog = attempts.transaction(async |db| catalog::read(db).await).await?;
    let mut problems = Vec::new();
    for expected in &reference().catalog.tables {
        let Some(table) = catalog.table(&expected.schema, &expected.name) else { continue };
        let is_expected =
            |constraint: &&Constraint| expected.constraints.iter().any(|rule| rule.name == constraint.name);
        for constraint in table.constraints.iter().filter(is_expected).filter(|constraint| !constraint.is_valid) {
            let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.sql_name(), quote(&constraint.name));
            match attempts.patiently(async |db| store::execute(db, std::slice::from_ref(&sql)).await).await {
                Ok(()) => {}
                Err(error) if is_violation(&error) => problems.push(format!(
                    "{}: rows break the constraint {}, which holds for new rows only: correct them, then run `lectern \
                     migrate` again",
                    table.full_name(),
                    constraint.name
                )),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(problems)
}

fn is_violation(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    matches!(code.as_deref(), Some("23503" | "23505" | "23514"))
}

/// Returns a sentence for each value that breaks a rule which is therefore not created.
pub async fn broken_rules(db: &mut PgConnection) -> Result<Vec<String>> {
    let survey = survey(db).await?;
    broken_rules_of(db, &survey).await
}

/// As [`broken_rules`], for a database that was read already.
pub async fn broken_rules_of(db: &mut PgConnection, survey: &Survey) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (change, rule) in rules(&survey.plan.adoption) {
        let Some(table) = store::table_of(&survey.catalog, change.table_oid) else { continue };
        for violation in store::violations(db, table, rule).await? {
            problems.push(sentence(table, rule, &violation));
        }
    }
    Ok(problems)
}

fn sentence(table: &Relation, rule: &Rule, violation: &store::Violation) -> String {
    let (table, ids) = (table.full_name(), violation.ids.join(", "));
    match rule {
        Rule::Unique { name, columns } => format!(
            "{table}: rows {ids} have the same {} ({}): {name} is not created until one of them changes; everything else works",
            columns.join(", "),
            violation.value
        ),
        Rule::Check { name, condition } => {
            format!("{table}: rows {ids} break {condition}: {name} is not created until they are corrected")
        }
        Rule::ForeignKey { name, columns, target, .. } => format!(
            "{table}: rows {ids} have {} {}, which {target} does not contain: {name} is not created until they are corrected",
            columns.join(", "),
            violation.value
        ),
    }
}
