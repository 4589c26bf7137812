//! The steps of the schema on a page: their state, what each does, and what is in its way. The command applies them.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::{MigrationSteps, State as StepState, Step, steps};
use crate::error::Error;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

#[derive(Template)]
#[template(path = "migrations/list.html")]
struct MigrationsPage {
    frame: Frame,
    recognised: Option<String>,
    /// What to do next.
    next: String,
    command: &'static str,
    pending: usize,
    rows: Vec<StepRow>,
    /// Whether the rows were read for problems.
    is_detailed: bool,
}

struct StepRow {
    name: String,
    tag: StateTag,
    kind: &'static str,
    /// What it is for, as its author says.
    about: String,
    tables: String,
    /// Whether it is applied and can be undone.
    can_undo: bool,
    changes: Vec<String>,
    locks: Vec<String>,
    notes: Vec<String>,
    problems: Vec<String>,
}

/// Returns the route of the page.
pub fn router(state: &ServerState) -> Router {
    Router::new().route("/migrations", get(show)).with_state(state.clone())
}

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<ServerState>, query: Pairs) -> Response {
    match render(&visitor, &state, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ServerState, query: Pairs) -> Result<MigrationsPage, PageProblem> {
    let is_detailed = !Address::of(query)?.get("details").is_empty();
    // It only reads: the transaction is rolled back.
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let found = steps::read(&mut transaction, is_detailed).await?;
    drop(transaction);
    let pending = found.steps.iter().filter(|step| step.state == StepState::Pending).count();
    let (next, command) = advice(&found, pending);
    Ok(MigrationsPage {
        frame: visitor.frame("Migrations", NavPlace::Migrations),
        recognised: found.recognised.clone(),
        next,
        command,
        pending,
        rows: found.steps.iter().rev().map(row).collect(),
        is_detailed,
    })
}

fn advice(found: &MigrationSteps, pending: usize) -> (String, &'static str) {
    match (found.conflicts().is_empty(), pending) {
        (false, _) => (
            "Something is in the way of a step. The command shows it with all its changes:".into(),
            "lectern migrate plan",
        ),
        (true, 0) => (
            "Every step is applied. The command checks places, constraints and sequences:".into(),
            "lectern migrate verify",
        ),
        (true, 1) => (
            "One step is not applied. The command shows what it would change, and changes nothing:".into(),
            "lectern migrate plan",
        ),
        (true, count) => (
            format!("{count} steps are not applied. The command shows what they would change, and changes nothing:"),
            "lectern migrate plan",
        ),
    }
}

fn row(step: &Step) -> StepRow {
    let table = |table: &serde_json::Value| match table {
        serde_json::Value::String(name) => name.clone(),
        other => other["table"].as_str().unwrap_or_default().to_owned(),
    };
    let tables: Vec<String> = step.tables.iter().map(table).filter(|name| !name.is_empty()).collect();
    StepRow {
        name: step.name.clone(),
        tag: match step.state {
            StepState::Done => StateTag::new("good", "Applied"),
            StepState::NotNeeded => StateTag::new("", "Not needed"),
            StepState::Pending => StateTag::new("warn", "Not applied"),
            StepState::Conflict => StateTag::new("bad", "Something is in the way"),
        },
        kind: if step.kind == "move" { "moves existing tables" } else { "versioned SQL" },
        about: about(step),
        tables: tables.join(", "),
        can_undo: step.reversible && step.state == StepState::Done,
        changes: step.changes.clone(),
        locks: step.locks.clone(),
        notes: step.notes.clone(),
        problems: step.problems.clone(),
    }
}

/// Returns what a step is for: of versioned SQL, the comment at its beginning.
fn about(step: &Step) -> String {
    match step.name.as_str() {
        "adm-schema" => return "Brings tables of Administrate's side to schema adm.".to_owned(),
        "adopt" => return "Gives existing tables the rules that the program relies on.".to_owned(),
        "tutorial-references" => return "Replaces texts of tutorials by references to records.".to_owned(),
        "lesson-sessions" => return "Brings lessons of an earlier table to the present one.".to_owned(),
        _ => {}
    }
    let comments = step.sql.lines().map_while(|line| line.strip_prefix("--"));
    let comments = comments.map(str::trim).filter(|line| !line.starts_with("older binaries:"));
    comments.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versioned_step_is_explained_by_its_first_comment() {
        let step = |name: &str, sql: &str| Step {
            name: name.to_owned(),
            kind: "sql",
            state: StepState::Done,
            reversible: false,
            tables: Vec::new(),
            changes: Vec::new(),
            locks: Vec::new(),
            notes: Vec::new(),
            problems: Vec::new(),
            sql: sql.to_owned(),
        };
        let sql = "-- Who changed what,\n-- and when.\n-- older binaries: yes\n\nCREATE TABLE t ();\n-- Another one.";
        assert_eq!(about(&step("history", sql)), "Who changed what, and when.");
        assert!(about(&step("adopt", "")).starts_with("Gives existing tables"));
    }
}
