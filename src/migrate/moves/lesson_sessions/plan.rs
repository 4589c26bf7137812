//! What `lectern migrate plan` and `status` say of the move.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::findings::{Found, findings};
use super::indexes::{incomplete, missing};
use super::options::{ARCHIVE, ARCHIVE_TABLE, LessonOptions, NAME};
use super::recognition::{LessonState, Recognised, holders};
use super::situation::Situation;
use super::store::{self, CopyPhase};
use super::swap::archived_sequences;
use crate::error::Result;
use crate::migrate::catalog::Relation;
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::survey::Survey;

/// State of the move, in the words of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveState {
    Pending,
    Done,
    NotNeeded,
    Conflict,
}

/// What a plan says of the move.
#[derive(Debug)]
pub struct LessonStep {
    pub state: MoveState,
    pub tables: Vec<Value>,
    pub changes: Vec<String>,
    pub locks: Vec<String>,
    pub problems: Vec<String>,
    pub sql: String,
    /// How long the move takes.
    pub estimate: Duration,
}

/// Returns the step. With `is_detailed`, the rows are read for the problems that they foresee.
pub async fn step(db: &mut PgConnection, survey: &Survey, is_detailed: bool) -> Result<LessonStep> {
    let (catalog, records) = (&survey.catalog, &survey.records);
    let situation = Situation::of(db, catalog.clone()).await?;
    let found = situation.recognised();
    let mut step = LessonStep {
        state: MoveState::NotNeeded,
        tables: Vec::new(),
        changes: Vec::new(),
        locks: Vec::new(),
        problems: Vec::new(),
        sql: String::new(),
        estimate: Duration::ZERO,
    };
    let progress = store::progress(db).await?;
    let rows = match found.source {
        Some(source) if is_detailed => moves_store::count(db, source).await?,
        source => source.map_or(0, |source| source.estimated_rows.max(0)),
    };
    step.tables = tables(&found, rows);
    if let Some(progress) = &progress
        && records.applied.iter().any(|name| name == NAME)
        && progress.phase != CopyPhase::Copying
    {
        step.state = if progress.phase == CopyPhase::Done { MoveState::Done } else { MoveState::Pending };
        step.problems.clone_from(&progress.journal.problems);
        step.tables = vec![
            json!({ "table": "sessions", "place": "public.sessions", "found": ["public.sessions"], "action": "skip" }),
        ];
        return Ok(step);
    }
    step.problems = situation.conflicts(db).await?;
    if !step.problems.is_empty() {
        step.state = MoveState::Conflict;
        return Ok(step);
    }
    match found.state {
        LessonState::Absent => {}
        LessonState::Present => {
            let sessions = catalog.table("public", "sessions").map_or(0, |table| table.oid);
            if !records.has_schema_steps || moves_store::was_found_before(db, sessions).await? {
                step.state = MoveState::Done;
            }
            describe_missing(&mut step, &situation, &found);
        }
        LessonState::Pending => {
            step.state = MoveState::Pending;
            describe(db, &mut step, &situation, &found, is_detailed).await?;
            step.estimate = estimate(db, &situation, &found, rows).await?;
            if let Some(last_id) = progress.and_then(|progress| progress.last_id) {
                step.changes.push(format!("go on after the row with id {last_id}, where an earlier run has ended"));
            }
        }
    }
    Ok(step)
}

/// Estimates how long the move takes, from the time for some rows.
async fn estimate(db: &mut PgConnection, situation: &Situation, found: &Recognised<'_>, rows: i64) -> Result<Duration> {
    let Some(source) = found.source else { return Ok(STATEMENTS) };
    store::create_functions(db).await?;
    let started = Instant::now();
    let mapped = store::map_some(db, &situation.mapping(source), SAMPLE_ROWS).await?;
    if mapped == 0 {
        return Ok(STATEMENTS);
    }
    let whole = started.elapsed().as_secs_f64() * rows.max(mapped) as f64 / mapped as f64;
    let options = LessonOptions::default();
    let batches = u32::try_from(rows / options.batch_rows).unwrap_or(u32::MAX);
    Ok(STATEMENTS + Duration::from_secs_f64(whole * PASSES) + options.pause.saturating_mul(batches))
}

/// Rows that are mapped to measure the speed.
const SAMPLE_ROWS: i64 = 20_000;
/// How often the time of mapping and hashing a row is needed: with its writing, its indexes and its proof.
const PASSES: f64 = 5.0;
/// The time for everything that does not depend on rows.
const STATEMENTS: Duration = Duration::from_millis(500);

fn tables(found: &Recognised<'_>, rows: i64) -> Vec<Value> {
    let Some(source) = found.source else { return Vec::new() };
    let views = source.dependents.iter().map(|view| format!("view {}.{}", view.schema, view.name));
    let keys = source.referenced_by.iter().map(|key| format!("foreign key of {}.{}", key.schema, key.table));
    let triggers = source.triggers.iter().map(|trigger| format!("trigger {}", trigger.name));
    let (views, keys): (Vec<String>, Vec<String>) = (views.chain(triggers).collect(), keys.collect());
    let entry = |place: &str, action: &str, dependents: &[String]| {
        json!({ "table": place.rsplit('.').next(), "place": place, "found": [source.full_name()], "action": action,
                "rows": rows, "bytes": source.bytes, "dependents": dependents })
    };
    if !found.conflicts.is_empty() {
        return vec![entry("public.sessions", "conflict", &[])];
    }
    vec![entry("public.sessions", "create", &keys), entry(ARCHIVE, "move_and_rename", &views)]
}

/// Describes indexes that an existing table lacks.
fn describe_missing(step: &mut LessonStep, situation: &Situation, found: &Recognised<'_>) {
    let Some(sessions) = incomplete(&situation.catalog, found) else { return };
    step.state = MoveState::Pending;
    let missing = missing(sessions);
    let taken = holders(&situation.catalog, Some(sessions.oid)).into_iter();
    for holder in taken.filter(|holder| missing.iter().any(|(name, _)| *name == holder.name)) {
        let new_name = holder.new_name();
        step.changes.push(format!("rename index {} of {} to {new_name}", holder.name, holder.table));
        step.sql += &store::renaming(holder.is_index, "public", &holder.name, &new_name);
    }
    for (name, column) in missing {
        step.changes.push(format!("create the index {name} of public.sessions"));
        step.sql += &format!("CREATE INDEX {name} ON public.sessions ({column});\n");
    }
    step.locks.push("SHARE on public.sessions while the indexes are built; readers go on".to_owned());
    step.tables = vec![json!({
        "table": "sessions", "place": "public.sessions", "found": [sessions.full_name()], "action": "skip",
        "rows": sessions.estimated_rows.max(0), "bytes": sessions.bytes,
    })];
}

async fn describe(
    db: &mut PgConnection,
    step: &mut LessonStep,
    situation: &Situation,
    found: &Recognised<'_>,
    is_detailed: bool,
) -> Result<()> {
    for holder in holders(&situation.catalog, None) {
        let kind = if holder.is_index { "index" } else { "sequence" };
        step.changes.push(format!("rename {kind} {} of {} to {}", holder.name, holder.table, holder.new_name()));
    }
    step.changes.push("create public.sessions with its 27 columns, 5 indexes and the foreign key".to_owned());
    let Some(source) = found.source else { return Ok(()) };
    let place = source.full_name();
    let mapping = situation.mapping(source);
    step.changes.push(format!("copy the rows of {place} to public.sessions, with their ids"));
    step.changes.push(format!("move {place} to {ARCHIVE}, where it stays as it is"));
    for key in store::inbound_keys(db, source.oid).await? {
        step.changes.push(if key.is_to_id {
            format!("let the foreign key {} of {} refer to public.sessions", key.name, key.table_name)
        } else {
            format!("the foreign key {} of {} goes on referring to the archive", key.name, key.table_name)
        });
    }
    step.changes.extend(found.left.map(|left| format!("{} is empty and stays", left.full_name())));
    step.locks = vec![
        format!(
            "online: SHARE ROW EXCLUSIVE on {place} and public.enrolled_students for milliseconds, to note what is written"
        ),
        format!(
            "online: ACCESS EXCLUSIVE on {place} and the tables that refer to it for milliseconds, when they change places"
        ),
        format!("--offline: ACCESS EXCLUSIVE on {place} while all rows are copied"),
    ];
    step.problems.extend(structure_problems(source, &mapping.not_carried_over()));
    step.sql = script(db, situation, found).await?;
    if is_detailed {
        step.problems.extend(row_problems(db, situation, source, &place).await?.0);
    }
    Ok(())
}

/// Returns the statements of `--offline`.
async fn script(db: &mut PgConnection, situation: &Situation, found: &Recognised<'_>) -> Result<String> {
    let Some(source) = found.source else { return Ok(String::new()) };
    let mut sql = format!("BEGIN;\n{}", store::FUNCTIONS);
    sql += "SELECT lectern.create_lesson_sessions('lectern');\n";
    sql += &format!("{};\n", store::insertion(&situation.mapping(source), ""));
    sql += "SELECT lectern.complete_lesson_sessions('lectern');\n";
    for holder in holders(&situation.catalog, None) {
        sql += &store::renaming(holder.is_index, "public", &holder.name, &holder.new_name());
    }
    sql += &store::moving((&source.schema, &source.name), "lectern", ARCHIVE_TABLE);
    sql += &store::placing(Some(source));
    sql += &store::continuing("public.sessions_id_seq", "public.sessions", &archived_sequences(source));
    for key in store::inbound_keys(db, source.oid).await?.iter().filter(|key| key.is_to_id) {
        sql += &store::pointing(key, "public.sessions");
    }
    for statement in store::WATCHING {
        sql += &format!("{statement};\n");
    }
    sql += "COMMIT;\n";
    Ok(sql)
}

/// Returns what the shape of the older table means for those who use it.
pub fn structure_problems(source: &Relation, not_carried_over: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    if !not_carried_over.is_empty() {
        problems.push(format!(
            "columns that sessions does not have stay in {ARCHIVE} alone: {}",
            not_carried_over.join(", ")
        ));
    }
    for view in &source.dependents {
        problems.push(format!(
            "the view {}.{} follows the older table into the archive: it goes on telling what was true at the move, not \
             what is written to sessions since",
            view.schema, view.name
        ));
    }
    for trigger in source.triggers.iter().filter(|trigger| trigger.schema != "lectern") {
        problems.push(format!("the trigger {} stays with the older table: it does not act on sessions", trigger.name));
    }
    let of_columns = source.grants.iter().filter(|grant| grant.column.is_some()).map(|grant| grant.role.as_str());
    let roles: BTreeSet<&str> = of_columns.map(|role| if role.is_empty() { "PUBLIC" } else { role }).collect();
    if !roles.is_empty() {
        problems.push(format!(
            "privileges on single columns are not carried over to sessions: grant them again to {}",
            roles.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    problems
}

/// Returns a sentence for each kind of row that is not carried over as it is, and the findings that concern rows.
pub async fn row_problems(
    db: &mut PgConnection,
    situation: &Situation,
    source: &Relation,
    table: &str,
) -> Result<(Vec<String>, Vec<Found>)> {
    store::create_functions(db).await?;
    let mapping = situation.mapping(source);
    let findings = findings(&mapping);
    let mut problems = Vec::new();
    if store::has_row_security(db, source.oid).await? {
        problems.push(format!(
            "{table} has row security, whose policies name its columns and are not carried over: the owner alone sees rows of \
             sessions until it has policies"
        ));
    }
    let found = store::find(db, &mapping, &findings).await?;
    problems.extend(found.iter().filter_map(|found| Some(findings.get(found.finding)?.sentence(table, found))));
    if let Some(reviews) = mapping.reviews {
        let (rows, ids) = store::ambiguous_reviews(db, reviews).await?;
        if rows > 0 {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            problems.push(format!(
                "{}: several reviews name the same lesson (session_id {}): student_review_id stays null",
                reviews.full_name(),
                ids.join(", ")
            ));
        }
    }
    Ok((problems, found))
}
