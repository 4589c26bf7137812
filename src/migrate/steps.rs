//! Every step with its state, as `lectern migrate plan` and `status` show it.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::catalog::Catalog;
use super::created_tables::created_tables;
use super::moves::lesson_sessions::{LessonStep, MoveState};
use super::moves::{self, Survey};
use super::{store, versioned};
use crate::error::Result;

/// A step of the schema, as `migrate plan --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Name, such as `catalogue`.
    pub name: String,
    /// `move`, or `sql` for versioned SQL.
    pub kind: &'static str,
    pub state: State,
    /// Whether the step can be undone; never, for versioned SQL.
    pub reversible: bool,
    /// The tables that a pending step creates, moves or changes, or finds in the database.
    pub tables: Vec<Value>,
    /// Each change as a sentence, where a move lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The locks that the step takes, and for how long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// What else one should know before the step is applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    pub problems: Vec<String>,
    #[serde(skip)]
    pub sql: String,
}

/// Whether a step has been applied to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Done,
    /// The database has nothing that the move concerns.
    NotNeeded,
    /// Pending, and a table stands in the way.
    Conflict,
}

/// All steps, and what a plan says beside them.
#[derive(Debug)]
pub struct MigrationSteps {
    pub steps: Vec<Step>,
    /// What was recognised; none in a database without such tables.
    pub recognised: Option<String>,
    /// Every object that Lectern will add.
    pub added: Vec<String>,
    /// Migrations of Django that Lectern makes unnecessary.
    pub django: Vec<String>,
    /// How long the moves take.
    pub estimate: Duration,
}

impl MigrationSteps {
    pub fn conflicts(&self) -> Vec<String> {
        self.conflicts_until(None)
    }

    /// Returns the conflicts of the steps up to one of this name; of all steps without a name.
    pub fn conflicts_until(&self, last: Option<&str>) -> Vec<String> {
        let end = last.and_then(|last| self.steps.iter().position(|step| step.name == last));
        let steps = self.steps.iter().take(end.map_or(usize::MAX, |end| end + 1));
        let conflicting = steps.filter(|step| step.state == State::Conflict);
        conflicting.flat_map(|step| step.problems.clone()).collect()
    }
}

/// Returns how many steps are not applied.
pub async fn pending(pool: &PgPool) -> Result<usize> {
    let mut db = pool.acquire().await?;
    let applied = store::applied_versions(&mut db).await?;
    let migrator = versioned::migrator();
    let pending = migrator.iter().filter(|migration| !applied.contains(&migration.version)).count();
    Ok(pending + moves::undone(&mut db).await?)
}

/// Reads every step. With `is_detailed`, the rows are read for problems that they foresee.
pub(super) async fn read(db: &mut PgConnection, is_detailed: bool) -> Result<MigrationSteps> {
    let survey = moves::survey(db).await?;
    let broken = moves::broken_rules_of(db, &survey).await?;
    let estimate = moves::estimate(db, &survey).await?;
    let rows = moves::row_counts(db, &survey).await?;
    let mut steps = vec![adm_schema(&survey, &rows), adopt(&survey, &rows, broken)];
    let applied = store::applied_versions(db).await?;
    for migration in versioned::migrator().iter() {
        let is_applied = applied.contains(&migration.version);
        steps.push(sql_step(&versioned::name(migration), migration.sql.as_str(), is_applied, &survey.catalog));
    }
    steps.push(tutorial_references(db, &survey, &rows, is_detailed).await?);
    let lessons = moves::lesson_sessions::step(db, &survey, is_detailed).await?;
    let estimate = estimate + lessons.estimate;
    steps.push(lesson_sessions(lessons));
    let is_adopted = survey.is_adopted();
    Ok(MigrationSteps {
        steps,
        recognised: (is_adopted || survey.plan.has_conflict()).then(|| moves::description(&survey.catalog)).flatten(),
        added: moves::added(&survey.catalog),
        django: if is_adopted { survey.django() } else { Vec::new() },
        estimate,
    })
}

fn adm_schema(survey: &Survey, rows: &HashMap<i64, i64>) -> Step {
    let plan = &survey.plan;
    let state = match () {
        () if !plan.placement_conflicts.is_empty() => State::Conflict,
        () if survey.has_moving() => State::Pending,
        // A conflict of another step keeps it from being planned.
        () if plan.placements.iter().any(moves::PlacedTable::is_moved) => State::Pending,
        () if survey.is_adopted() => State::Done,
        () => State::NotNeeded,
    };
    let table = |placed: &moves::PlacedTable| {
        json!({ "table": placed.table, "found": placed.found, "action": placed.action.name(), "rows": placed.oid.and_then(|oid| rows.get(&oid)).copied().unwrap_or(0),
                "bytes": placed.bytes, "dependents": placed.dependents })
    };
    let is_shown = survey.is_adopted() || state == State::Conflict;
    let moving: Vec<String> = plan.moving.iter().map(|change| change.action.clone()).collect();
    let names = plan.names.iter().map(|change| format!("{}: {}", change.table, change.action));
    let locks = match moving.is_empty() {
        true => Vec::new(),
        false => vec![
            format!(
                "ACCESS EXCLUSIVE on {} together, for milliseconds",
                crate::console::counted(plan.placements.iter().filter(|placed| placed.is_moved()).count(), "table")
            ),
            "ACCESS EXCLUSIVE on each table for the names of its constraints".to_owned(),
            "SHARE UPDATE EXCLUSIVE for the names of indexes; readers and writers go on".to_owned(),
        ],
    };
    Step {
        name: moves::ADM_SCHEMA.to_owned(),
        kind: "move",
        state,
        reversible: true,
        tables: if is_shown { plan.placements.iter().map(table).collect() } else { Vec::new() },
        changes: moving.into_iter().chain(names).collect(),
        locks,
        notes: Vec::new(),
        problems: plan.placement_conflicts.clone(),
        sql: moves::sql(plan.moving.iter().chain(&plan.names)),
    }
}

fn adopt(survey: &Survey, rows: &HashMap<i64, i64>, broken: Vec<String>) -> Step {
    let plan = &survey.plan;
    let has_work = plan.adoption.iter().any(|change| change.rule.is_none()) || !survey.is_recorded(moves::ADOPT);
    let state = match () {
        () if !plan.adoption_conflicts.is_empty() => State::Conflict,
        () if !survey.is_adopted() => State::NotNeeded,
        () if has_work && !survey.has_moving() || survey.has_moving() => State::Pending,
        () => State::Done,
    };
    let mut tables: Vec<&str> = plan.adoption.iter().map(|change| change.table.as_str()).collect();
    tables.dedup();
    let table = |name: &&str| {
        let changes: Vec<&moves::Change> = plan.adoption.iter().filter(|change| change.table == *name).collect();
        let oid = plan.adoption.iter().find(|change| change.table == *name).map(|change| change.table_oid);
        let found = survey.catalog.tables.iter().find(|table| Some(table.oid) == oid);
        json!({ "table": name, "found": found.map(|table| vec![table.full_name()]).unwrap_or_default(),
                "action": "skip", "changes": changes.len(), "summary": summary(&changes), "rows": oid.and_then(|oid| rows.get(&oid)).copied().unwrap_or(0),
                "bytes": found.map(|table| table.bytes) })
    };
    let (is_adopted, conflicts) = (survey.is_adopted(), plan.adoption_conflicts.clone());
    let locks = match is_adopted && !plan.adoption.is_empty() {
        true => vec![
            "ACCESS EXCLUSIVE on the tables together, for milliseconds".to_owned(),
            "SHARE UPDATE EXCLUSIVE on one table at a time; readers and writers go on".to_owned(),
        ],
        false => Vec::new(),
    };
    let action = |change: &moves::Change| format!("{}: {}", change.table, change.action);
    Step {
        name: moves::ADOPT.to_owned(),
        kind: "move",
        state,
        reversible: true,
        tables: if is_adopted { tables.iter().map(table).collect() } else { Vec::new() },
        changes: if is_adopted { plan.adoption.iter().map(action).collect() } else { Vec::new() },
        locks,
        notes: Vec::new(),
        problems: conflicts.into_iter().chain(if is_adopted { broken } else { Vec::new() }).collect(),
        sql: if is_adopted { moves::sql(&plan.adoption) } else { String::new() },
    }
}

/// Counts changes by their kind: `3 names, 2 defaults`.
fn summary(changes: &[&moves::Change]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for change in changes {
        match counts.iter_mut().find(|(noun, _)| *noun == change.noun()) {
            Some((_, count)) => *count += 1,
            None => counts.push((change.noun(), 1)),
        }
    }
    let counts: Vec<String> = counts.into_iter().map(|(noun, count)| plural(count, noun)).collect();
    counts.join(", ")
}

fn plural(count: usize, noun: &str) -> String {
    match noun {
        "new index" if count > 1 => format!("{count} new indexes"),
        "column that may be null" if count > 1 => format!("{count} columns that may be null"),
        "column that goes" if count > 1 => format!("{count} columns that go"),
        noun => crate::console::counted(count, noun),
    }
}

async fn tutorial_references(
    db: &mut PgConnection,
    survey: &Survey,
    rows: &HashMap<i64, i64>,
    is_detailed: bool,
) -> Result<Step> {
    let is_concerned = survey.is_adopted() && !survey.plan.has_conflict();
    let plan = match is_concerned {
        true => moves::ReferencesPlan::read(db, &survey.plan.moved).await?,
        false => moves::ReferencesPlan::default(),
    };
    let is_recorded = survey.is_recorded(moves::TUTORIAL_REFERENCES);
    let state = match () {
        () if !plan.is_empty() && !plan.conflicts.is_empty() => State::Conflict,
        () if !plan.is_empty() => State::Pending,
        () if is_recorded => State::Done,
        () => State::NotNeeded,
    };
    let table = |table: &moves::ChangedTable| {
        let summary = match table.columns.len() {
            0 => "goes to schema lectern".to_owned(),
            columns => plural(columns, "column that goes"),
        };
        json!({ "table": table.name, "found": [table.name], "action": "skip", "changes": table.columns.len().max(1),
                "summary": summary, "rows": rows.get(&table.oid).copied().unwrap_or(0), "bytes": table.bytes })
    };
    let locks = [
        "SHARE ROW EXCLUSIVE on the tables together, while rows are changed: writers wait, readers go on",
        "then ACCESS EXCLUSIVE, for milliseconds, while the columns are removed",
    ];
    let is_pending = state == State::Pending;
    Ok(Step {
        name: moves::TUTORIAL_REFERENCES.to_owned(),
        kind: "move",
        state,
        reversible: true,
        tables: plan.changed().map(table).collect(),
        changes: plan.changes(),
        sql: if is_pending { plan.sql() } else { String::new() },
        locks: if is_pending { locks.map(str::to_owned).to_vec() } else { Vec::new() },
        notes: if is_pending { vec![moves::NEEDED_DJANGO.to_owned()] } else { Vec::new() },
        problems: match state {
            State::Done => moves::unsettled(db).await?,
            State::Pending if is_detailed => moves::foreseen(db, &survey.catalog, &survey.plan.moved).await?,
            _ => plan.conflicts,
        },
    })
}

fn lesson_sessions(step: LessonStep) -> Step {
    let state = match step.state {
        MoveState::Pending => State::Pending,
        MoveState::Done => State::Done,
        MoveState::NotNeeded => State::NotNeeded,
        MoveState::Conflict => State::Conflict,
    };
    Step {
        name: moves::lesson_sessions::NAME.to_owned(),
        kind: "move",
        state,
        reversible: true,
        tables: step.tables,
        changes: step.changes,
        locks: step.locks,
        notes: Vec::new(),
        problems: step.problems,
        sql: step.sql,
    }
}

fn sql_step(name: &str, sql: &str, is_applied: bool, catalog: &Catalog) -> Step {
    let mut step = Step {
        name: name.to_owned(),
        kind: "sql",
        state: if is_applied { State::Done } else { State::Pending },
        reversible: false,
        tables: Vec::new(),
        changes: Vec::new(),
        locks: Vec::new(),
        notes: Vec::new(),
        problems: Vec::new(),
        sql: sql.to_owned(),
    };
    if is_applied {
        return step;
    }
    for table in created_tables(sql) {
        let existing = catalog.table(&table.schema, &table.name);
        let problem = versioned::problem(&table, catalog);
        let action = match (existing, &problem) {
            (None, _) => "create",
            (Some(_), None) => "skip",
            (Some(_), Some(_)) => "conflict",
        };
        let found: Vec<String> = existing.iter().map(|existing| existing.full_name()).collect();
        step.tables
            .push(json!({ "table": format!("{}.{}", table.schema, table.name), "found": found, "action": action }));
        step.problems.extend(problem);
    }
    if !step.problems.is_empty() {
        step.state = State::Conflict;
    }
    step
}
