//! The move `tutorial-references`: texts become references, nothing is guessed, nothing is lost, and all of it comes back.

mod interrupted;
mod refused;
mod rows;
mod undone;

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use super::adoption::{last_sql_step, run_migrate};
use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State, fingerprint, without_positions};

const NAME: &str = "tutorial-references";

/// Returns a living database with rows that mean nothing or several things.
fn hostile(state: State, placement: Placement, naming: Naming) -> Legacy {
    let mut legacy = Legacy::new(state, placement, naming);
    legacy.more.push_str(match state {
        State::February4 => include_str!("hostile_texts.sql"),
        // On 6 February the columns of the references do not exist.
        State::February6 => "",
        _ => include_str!("hostile_references.sql"),
    });
    legacy
}

fn migrate(living: &LivingDb, arguments: &[&str]) -> (Option<i32>, Value, String) {
    run_migrate(living, arguments, &[])
}

/// Applies every step before the move.
fn adopt(living: &LivingDb, arguments: &[&str]) {
    let (exit, document, messages) = migrate(living, &[&["apply", "--to", &last_sql_step()], arguments].concat());
    assert_eq!(exit, Some(0), "{messages}\n{document:#}");
}

/// Returns the rows of every table of the provider, whatever the order of its columns.
async fn rows(pool: &PgPool) -> BTreeMap<String, String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'acted', 'adm')",
    )
    .fetch_all(pool)
    .await
    .expect("readable");
    let mut rows = BTreeMap::new();
    for table in tables {
        let sql = format!(
            "SELECT coalesce(string_agg(to_jsonb(t)::text, E'\\n' ORDER BY to_jsonb(t)::text), '') FROM {table} AS t"
        );
        rows.insert(table, text(pool, &sql).await);
    }
    rows
}

async fn text(pool: &PgPool, sql: &str) -> String {
    let answer: Option<String> = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(pool)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    answer.unwrap_or_default()
}

/// Returns every object; a column that came back stands last in its table.
async fn objects(pool: &PgPool) -> Vec<String> {
    let mut lines: Vec<String> = without_positions(fingerprint(pool).await);
    lines.sort();
    lines
}

fn step(document: &Value) -> &Value {
    let steps = document["steps"].as_array().unwrap_or_else(|| panic!("{document:#}"));
    steps.iter().find(|step| step["name"] == NAME).unwrap_or_else(|| panic!("{document:#}"))
}
