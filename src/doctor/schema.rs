//! The schema: steps, where the bridge tables are, sequences, indexes and constraints.

use sqlx::PgPool;

use super::store::{self, SequenceUse};
use super::{CheckResult, listed};
use crate::console::counted;
use crate::error::Result;
use crate::migrate::{self, NewerStep, State};

/// Returns the names of all tables that Lectern uses, with their schemas, wherever the bridge tables are.
pub(super) fn used_tables() -> Vec<String> {
    let mut tables = migrate::table_names();
    tables.extend(migrate::former_names().iter().flat_map(|name| [format!("public.{name}"), format!("adm.{name}")]));
    tables.sort();
    tables.dedup();
    tables
}

/// Compares the steps of this program with those that are applied.
pub(super) async fn steps(pool: &PgPool) -> Result<CheckResult> {
    let newer = migrate::newer_steps(pool).await?;
    if let Some(refusal) = newer.iter().rev().find_map(|(_, refusal)| refusal.as_deref()) {
        let (detail, fix) = refusal.rsplit_once(": ").unwrap_or((refusal, "use the newer program"));
        return Ok(CheckResult::bad(detail, fix));
    }
    if migrate::pending(pool).await? == 0 {
        return applied(pool, &newer).await;
    }
    let steps = migrate::steps(pool).await?.steps;
    let in_state = |state: State| steps.iter().filter(|step| step.state == state).collect::<Vec<_>>();
    let (pending, conflicts) = (in_state(State::Pending), in_state(State::Conflict));
    if let Some(first) = conflicts.first() {
        let problems: Vec<String> = conflicts.iter().flat_map(|step| step.problems.clone()).collect();
        let (count, name) = (counted(conflicts.len(), "step"), &first.name);
        return Ok(CheckResult::bad(
            format!("tables stand in the way of {count} (first {name}): {}", listed(&problems)),
            "`lectern migrate plan` shows each; follow its lines, then run `lectern migrate`",
        ));
    }
    if let Some(first) = pending.first() {
        let (count, name) = (counted(pending.len(), "step"), &first.name);
        return Ok(CheckResult::bad(
            format!("{count} of {} not applied (first {name})", steps.len()),
            "run `lectern migrate`; `lectern migrate plan` shows before what it will do",
        ));
    }
    Ok(CheckResult::bad("steps are pending", "run `lectern migrate`"))
}

/// Describes a schema in which all steps are applied.
async fn applied(pool: &PgPool, newer: &[(NewerStep, Option<String>)]) -> Result<CheckResult> {
    let broken = migrate::broken_rules(pool).await?;
    if !broken.is_empty() {
        return Ok(CheckResult::bad(
            format!("{} not hold: {}", if broken.len() == 1 { "a rule does" } else { "rules do" }, listed(&broken)),
            "correct these rows, then run `lectern migrate`",
        ));
    }
    Ok(CheckResult::good(match newer.last() {
        None => "all steps are applied".to_owned(),
        Some((step, _)) => format!(
            "all steps are applied; a newer program has added {} up to step {}, beside which this one may run",
            counted(newer.len(), "step"),
            step.version
        ),
    }))
}

/// Checks that each bridge table is in schema `adm` under its own name. Without any table there is nothing to check.
pub(super) async fn placement(pool: &PgPool) -> Result<Option<CheckResult>> {
    let (places, problems) = migrate::placements(pool).await?;
    if places.iter().all(|place| place.found.is_empty()) {
        return Ok(None);
    }
    if !problems.is_empty() {
        return Ok(Some(CheckResult::bad(listed(&problems), "follow these lines, then run `lectern migrate`")));
    }
    let wrong = places.iter().filter(|place| !place.is_right).map(|place| match place.found.is_empty() {
        true => format!("adm.{} is missing", place.table),
        false => format!("adm.{} is {}", place.table, place.found.join(" and ")),
    });
    let wrong: Vec<String> = wrong.collect();
    Ok(Some(match wrong.is_empty() {
        true => CheckResult::good("all seven tables are in schema adm"),
        false => CheckResult::bad(
            wrong.join(", "),
            "`lectern migrate plan` shows what it will do; then run `lectern migrate`",
        ),
    }))
}

/// Checks that each sequence is ahead of the column that it fills.
pub(super) async fn sequences(pool: &PgPool, tables: &[String]) -> Result<CheckResult> {
    let uses = store::sequence_uses(pool, tables).await?;
    let (mut behind, mut fixes) = (Vec::new(), Vec::new());
    for used in &uses {
        let (Some(highest), Some(next)) = (store::highest_value(pool, used).await?, used.next_value) else { continue };
        if next > highest {
            continue;
        }
        let SequenceUse { table_name, column_name, sequence_name, .. } = used;
        behind.push(format!("{sequence_name} gives {next} next, but {table_name}.{column_name} has {highest}"));
        let literal = sequence_name.replace('\'', "''");
        fixes.push(format!("SELECT setval('{literal}', (SELECT max({column_name}) FROM {table_name}))"));
    }
    Ok(match behind.is_empty() {
        true => CheckResult::good(format!("{} ahead of their columns", counted(uses.len(), "sequence"))),
        false => CheckResult::bad(listed(&behind), fixes.join("; ")),
    })
}

/// Finds indexes that queries do not use.
pub(super) async fn indexes(pool: &PgPool, tables: &[String]) -> Result<CheckResult> {
    let invalid = store::invalid_indexes(pool, tables).await?;
    Ok(match invalid.is_empty() {
        true => CheckResult::good("all valid"),
        false => {
            let fixes: Vec<String> = invalid.iter().map(|name| format!("REINDEX INDEX CONCURRENTLY {name}")).collect();
            CheckResult::bad(format!("invalid, so that no query uses them: {}", listed(&invalid)), fixes.join("; "))
        }
    })
}

/// Finds constraints that hold for new rows only.
pub(super) async fn constraints(pool: &PgPool, tables: &[String]) -> Result<CheckResult> {
    let found = store::unvalidated_constraints(pool, tables).await?;
    if found.is_empty() {
        return Ok(CheckResult::good("all validated"));
    }
    let names: Vec<String> = found.iter().map(|(table, name)| format!("{name} of {table}")).collect();
    let fixes = found.iter().map(|(table, name)| format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"));
    let fixes = fixes.collect::<Vec<_>>().join("; ");
    Ok(CheckResult::bad(
        format!("not validated, so that old rows may break them: {}", listed(&names)),
        format!("{fixes} (where a row breaks it, correct the row first)"),
    ))
}
