//! `lectern migrate`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::grants::cli::RolePair;
use super::{Check, LessonOptions, LockWait, MigrationResult, MigrationSteps, Options, State, Step};
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::tutorials;

/// Options of `lectern migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<MigrateCommand>,
    #[command(flatten)]
    apply: ApplyArgs,
}

#[derive(Debug, Clone, Default, clap::Args)]
struct ApplyArgs {
    /// Create views under the former names of moved tables
    #[arg(long)]
    compat_views: bool,
    /// End after this step
    #[arg(long, value_name = "STEP")]
    to: Option<String>,
    /// Copy lesson sessions at once, under a lock: no other program writes
    #[arg(long)]
    offline: bool,
    /// Make an enrolment for each tutor and student without one
    #[arg(long)]
    create_enrolments: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum MigrateCommand {
    /// Show the pending steps and everything that they change
    Plan {
        /// Print the statements of each step
        #[arg(long)]
        sql: bool,
        /// Print privileges for the role that migrates and the one that serves
        #[arg(long, value_name = "OWNER,SERVICE", value_parser = super::grants::cli::parse, conflicts_with = "sql")]
        grants: Option<RolePair>,
        /// Judge SQL files instead: which statements rewrite or block
        #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["sql", "grants"])]
        lint: Vec<PathBuf>,
        /// Judge each file as one transaction, as most tools run it
        #[arg(long, requires = "lint")]
        single_transaction: bool,
    },
    /// Apply every pending step (the default)
    Apply(ApplyArgs),
    /// Show every step and its state
    Status,
    /// Check places, constraints and sequences, or a receipt
    Verify {
        /// Check this receipt, or the document of `migrate apply --json`
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
    /// Undo a move; rows written since stay
    Undo {
        #[arg(value_name = "MOVE")]
        name: String,
    },
    /// Print the newest receipt
    Receipt,
    /// Manage the views under former names
    CompatViews {
        #[command(subcommand)]
        action: CompatViewsCommand,
    },
}

#[derive(Debug, Clone, clap::Subcommand)]
enum CompatViewsCommand {
    /// Drop the views
    Drop,
}

/// Runs `lectern migrate`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    if let Some(MigrateCommand::Plan { lint, single_transaction, .. }) = &args.action
        && !lint.is_empty()
    {
        return super::lint::cli::run(context, lint, *single_transaction);
    }
    let database = context.database_of_any_schema().await?;
    let result = run_action(context, &database, args).await;
    database.close().await;
    result
}

async fn run_action(context: &Context, database: &Database, args: Args) -> Result<Exit> {
    let wait = LockWait::of(&context.config);
    let notify = |line: &str| context.console.notify(line);
    let Some(action) = args.action else { return apply(context, database, args.apply).await };
    match action {
        MigrateCommand::Plan { grants: Some(roles), .. } => super::grants::cli::run(context, database, &roles).await,
        MigrateCommand::Plan { sql, .. } => plan(context, database, sql).await,
        MigrateCommand::Apply(options) => {
            let both = ApplyArgs {
                compat_views: options.compat_views || args.apply.compat_views,
                to: options.to.or(args.apply.to),
                offline: options.offline || args.apply.offline,
                create_enrolments: options.create_enrolments || args.apply.create_enrolments,
            };
            apply(context, database, both).await
        }
        MigrateCommand::Status => report(context, steps(context, database, true).await?.steps, None),
        MigrateCommand::Verify { receipt } => verify(context, database, receipt).await,
        MigrateCommand::Receipt => receipt(context, database).await,
        MigrateCommand::Undo { name } => {
            let undone = super::undo(&database.pool, &name, wait, &context.stop, &notify).await?;
            report_undo(context, &name, &undone)
        }
        MigrateCommand::CompatViews { action: CompatViewsCommand::Drop } => {
            let undone = super::drop_compat_views(&database.pool, wait, &context.stop, &notify).await?;
            report_undo(context, "compat-views", &undone)
        }
    }
}

/// With `is_detailed`, the rows are read for problems that they foresee.
async fn steps(context: &Context, database: &Database, is_detailed: bool) -> Result<MigrationSteps> {
    let notify = |line: &str| context.console.notify(line);
    super::steps_when_free(&database.pool, is_detailed, LockWait::of(&context.config), &context.stop, &notify).await
}

async fn plan(context: &Context, database: &Database, with_sql: bool) -> Result<Exit> {
    let steps = steps(context, database, true).await?;
    let shown = |step: &&Step| step.state != State::Done || !step.problems.is_empty();
    if with_sql {
        steps.steps.iter().filter(shown).for_each(|step| print_sql(context, step));
    }
    if !context.console.json {
        describe(context, &steps);
    }
    let more = json!({
        "recognised": steps.recognised, "added": steps.added, "django": steps.django,
        "estimated_seconds": (steps.estimate.as_secs_f64() * 10.0).round() / 10.0,
    });
    let moves = |step: &Step| step.kind == "move" || step.state != State::Done;
    report(context, steps.steps.into_iter().filter(moves).collect(), Some(more))
}

fn print_sql(context: &Context, step: &Step) {
    if !step.sql.is_empty() {
        context.console.print(format_args!("-- {}\n{}", step.name, step.sql));
    }
}

/// Explains to a person what the moves will do.
fn describe(context: &Context, steps: &MigrationSteps) {
    let say = |line: &dyn std::fmt::Display| context.console.notify(line);
    if let Some(recognised) = &steps.recognised {
        say(&format_args!("found: {recognised}"));
    }
    let is_shown = |step: &&Step| step.kind == "move" && step.state == State::Pending && !step.changes.is_empty();
    let moves = steps.steps.iter().filter(is_shown);
    for step in moves {
        say(&format_args!("\n{}", step.name));
        for table in &step.tables {
            say(&format_args!("  {}", table_line(table)));
            for dependent in table["dependents"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                say(&format_args!("      {dependent} follows"));
            }
        }
        if context.console.verbose {
            step.changes.iter().for_each(|change| say(&format_args!("    {change}")));
        } else {
            say(&format_args!(
                "  {} (`--debug` lists them, `--sql` prints the statements)",
                counted(step.changes.len(), "change")
            ));
        }
        step.locks.iter().for_each(|lock| say(&format_args!("  lock: {lock}")));
        step.notes.iter().for_each(|note| say(&format_args!("  {note}")));
    }
    if !steps.added.is_empty() {
        say(&format_args!("\nadded by Lectern: {} (`--json` lists them)", counted(steps.added.len(), "object")));
    }
    if !steps.django.is_empty() {
        say(
            &"\nDjango: before it migrates again, drop the compatibility views, and mark these as applied (`manage.py migrate",
        );
        say(&"APP NUMBER --fake`), because Lectern does what they do; the receipt lists them too:");
        steps.django.iter().for_each(|line| say(&format_args!("  {line}")));
    }
    if !steps.estimate.is_zero() {
        say(&format_args!("\nestimated time: {:.1} s\n", steps.estimate.as_secs_f64()));
    }
}

fn table_line(table: &Value) -> String {
    let text = |key: &str| table[key].as_str().unwrap_or_default().to_owned();
    let found: Vec<&str> = table["found"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let size = match (table["rows"].as_i64(), table["bytes"].as_i64()) {
        (Some(rows), Some(bytes)) => {
            format!(" ({}, {} KB)", counted(usize::try_from(rows).unwrap_or(0), "row"), bytes / 1024)
        }
        _ => String::new(),
    };
    let place = table["place"].as_str().map_or_else(|| format!("adm.{}", text("table")), str::to_owned);
    match table["summary"].as_str() {
        Some(summary) => format!("{}: {summary}{size}", text("table")),
        None if found.is_empty() => format!("{place}: {}", text("action")),
        None if text("action") == "skip" => format!("{place}: in its place{size}"),
        None => format!("{place} ← {}{size}", found.join(", ")),
    }
}

async fn apply(context: &Context, database: &Database, args: ApplyArgs) -> Result<Exit> {
    let before = steps(context, database, false).await?;
    if let Some(to) = &args.to
        && before.steps.iter().all(|step| step.name != *to)
    {
        return Err(Error::Usage(format!("no step is called \"{to}\": `lectern migrate status` lists the steps")));
    }
    if !before.conflicts_until(args.to.as_deref()).is_empty() {
        return report(context, before.steps, None);
    }
    let lessons = LessonOptions {
        offline: args.offline,
        create_enrolments: args.create_enrolments,
        batch_rows: i64::from(context.config.copy_batch_rows.max(1)),
        pause: std::time::Duration::from_millis(context.config.copy_pause_ms),
    };
    let wait = LockWait::of(&context.config);
    let options = Options { wait, compat_views: args.compat_views, to: args.to, lessons };
    let notify = |line: &str| context.console.notify(line);
    let MigrationResult { receipt, problems } =
        super::apply_with(&database.pool, &options, &context.stop, &notify).await?;
    if let Some(receipt) = &receipt {
        describe_receipt(context, receipt);
    }
    let after = steps(context, database, true).await?;
    let is_hindered = !after.conflicts_until(options.to.as_deref()).is_empty();
    let is_complete = after.steps.iter().all(|step| !matches!(step.state, State::Pending | State::Conflict));
    let exit = report(context, after.steps, Some(json!({ "receipt": receipt })))?;
    if is_complete {
        let steps = tutorials::store::first_steps(&mut *database.pool.acquire().await?).await?;
        if let Some(next) = steps.next().filter(|_| !steps.has_catalogue) {
            context.console.notify(format_args!("next: {next}"));
        }
    }
    // What stands in the way of a later step was not requested.
    let exit = if is_hindered { exit } else { Exit::Done };
    Ok(if problems.is_empty() { exit } else { exit.max(Exit::NeedsAttention) })
}

fn describe_receipt(context: &Context, receipt: &Value) {
    for table in receipt["tables"].as_array().into_iter().flatten().filter(|table| table["step"] != "adopt") {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        context.console.notify(format_args!(
            "  {} → {}: {} rows, content {}",
            text(&table["before"]["place"]),
            text(&table["after"]["place"]),
            table["after"]["rows"],
            if table["ok"] == true { "unchanged" } else { "CHANGED" },
        ));
    }
    for step in receipt["steps"].as_array().into_iter().flatten().filter(|step| step["name"] != "adopt") {
        let problems = step["problems"].as_array().into_iter().flatten().filter_map(Value::as_str);
        problems.for_each(|problem| context.console.notify(format_args!("  {problem}")));
    }
    let seconds = |key: &str| receipt[key].as_f64().unwrap_or_default();
    context.console.notify(format_args!(
        "  moved in {:.1} s (estimated {:.1} s); `lectern migrate receipt` prints the signed receipt",
        seconds("seconds"),
        seconds("estimated_seconds")
    ));
}

fn report(context: &Context, steps: Vec<Step>, more: Option<Value>) -> Result<Exit> {
    let count = |state: State| steps.iter().filter(|step| step.state == state).count();
    let (pending, conflicts) = (count(State::Pending), count(State::Conflict));
    list(context, &steps);
    let problems: usize = steps.iter().filter(|step| !has_notes(step)).map(|step| step.problems.len()).sum();
    let is_applied = more.as_ref().is_some_and(|more| more.get("receipt").is_some());
    context.console.notify(match (pending, conflicts) {
        (0, 0) if problems > 0 => format!(
            "every step is applied, but {} a person: follow the lines above, `lectern migrate` tells what is left",
            if problems == 1 { "1 problem needs".to_owned() } else { format!("{problems} problems need") }
        ),
        (0, 0) => "the database schema is up to date".to_owned(),
        (pending, 0) => format!("{} pending: run `lectern migrate`", counted(pending, "step")),
        (_, conflicts) => format!(
            "{}tables stand in the way of {}: follow the lines above, then run `lectern migrate`",
            if is_applied { "" } else { "nothing was changed: " },
            counted(conflicts, "step")
        ),
    });
    let mut document = json!({ "steps": steps, "pending": pending + conflicts, "conflicts": conflicts });
    if let (Value::Object(document), Some(Value::Object(more))) = (&mut document, more) {
        document.extend(more);
    }
    context.console.document(&document)?;
    Ok(if conflicts > 0 { Exit::NeedsAttention } else { Exit::Done })
}

/// Lists steps with their states; versioned SQL in one line where all of it has the same state.
fn list(context: &Context, steps: &[Step]) {
    let sql: Vec<&Step> = steps.iter().filter(|step| step.kind == "sql").collect();
    let same =
        |first: &&&Step| sql.len() > 2 && sql.iter().all(|step| step.state == first.state && step.problems.is_empty());
    let all_same = sql.first().filter(same);
    for step in steps.iter().filter(|step| all_same.is_none() || step.kind != "sql") {
        context.console.notify(format_args!("  {:10} {}", state_name(step.state), step.name));
        if has_notes(step) && !step.problems.is_empty() {
            let notes = counted(step.problems.len(), "note");
            context.console.notify(format_args!("             {notes}: `lectern migrate receipt` prints them"));
            continue;
        }
        step.problems.iter().for_each(|problem| context.console.notify(format_args!("             {problem}")));
    }
    if let Some(first) = all_same {
        let last = sql.last().map_or("", |step| step.name.as_str());
        let (state, count) = (state_name(first.state), sql.len());
        context.console.notify(format_args!("  {state:10} versioned SQL: {count} steps from {} to {last}", first.name));
    }
}

/// Reports whether what a step says of the rows is for information only: it is done, and nothing of it blocks anything.
fn has_notes(step: &Step) -> bool {
    step.state == State::Done && step.name == super::moves::lesson_sessions::NAME
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::Pending => "pending",
        State::NotNeeded => "not needed",
        State::Conflict => "conflict",
    }
}

/// Failed checks that are printed; `--json` contains all of them.
const SHOWN_CHECKS: usize = 20;

async fn verify(context: &Context, database: &Database, receipt: Option<PathBuf>) -> Result<Exit> {
    let receipt = match receipt {
        Some(path) => {
            let text = std::fs::read(&path).map_err(|error| Error::io("reading", &path, &error))?;
            let not_json = |_| Error::Usage(format!("{} is no JSON document: pass a receipt", path.display()));
            Some(serde_json::from_slice(&text).map_err(not_json)?)
        }
        None => None,
    };
    let checks = super::verify(&database.pool, receipt.as_ref()).await?;
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.ok).collect();
    for check in failed.iter().take(SHOWN_CHECKS) {
        context.console.notify(format_args!("  {}: expected {}, found {}", check.name, check.expected, check.found));
    }
    if failed.len() > SHOWN_CHECKS {
        context.console.notify(format_args!("  … and {} more (`--json` contains them)", failed.len() - SHOWN_CHECKS));
    }
    context.console.notify(match failed.len() {
        0 => format!("{} passed", counted(checks.len(), "check")),
        failed => format!("{failed} of {} failed", counted(checks.len(), "check")),
    });
    context.console.document(&json!({ "ok": failed.is_empty(), "checks": checks }))?;
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn receipt(context: &Context, database: &Database) -> Result<Exit> {
    let Some(receipt) = super::last_receipt(&database.pool).await? else {
        return Err(Error::Prerequisite(
            "no move was applied to this database, so that there is no receipt".to_owned(),
        ));
    };
    context.console.print(format_args!("{receipt:#}"));
    context.console.document(&receipt)?;
    Ok(Exit::Done)
}

fn report_undo(context: &Context, name: &str, undone: &super::Undone) -> Result<Exit> {
    undone.problems.iter().for_each(|problem| context.console.notify(format_args!("  {problem}")));
    context.console.notify(match (undone.was_applied, undone.problems.len()) {
        (false, _) => format!("{name} is not applied: nothing was changed"),
        (true, 0) => format!("{name} is undone: {} taken back", counted(undone.changes, "change")),
        (true, problems) => format!("{name} is undone, except for {}", counted(problems, "change")),
    });
    let document = json!({ "move": name, "undone": undone.was_applied, "problems": undone.problems });
    context.console.document(&document)?;
    Ok(if undone.problems.is_empty() { Exit::Done } else { Exit::NeedsAttention })
}
