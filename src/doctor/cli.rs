//! `lectern doctor`.

use jiff::Timestamp;
use sqlx::PgPool;

use super::settings::LoadedSettings;
use super::store::{self, ServerFacts};
use super::{
    CheckResult, Examination, SECTIONS, activity, clock, folder, grants, remote, render, schema, server, settings, work,
};
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::embedded;
use crate::error::{Error, Exit, Result};
use crate::migrate;

/// Options of `lectern doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Report transactions that have locked tables and are idle this long
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    idle: u32,
}

/// The checks that read tables of Lectern.
const OF_TABLES: &[&str] = &["webhooks", "syncs", "outbox", "lessons"];

/// Returns the checks that need the database, besides its own.
fn of_database() -> Vec<&'static str> {
    let sections = SECTIONS.iter().filter(|(title, _)| ["Database", "Schema"].contains(title));
    sections.flat_map(|(_, names)| names.iter().copied()).filter(|name| *name != "database").collect()
}

/// Runs `lectern doctor`. A check that fails is no failure of the command: it ends with 0, or with 4.
pub async fn run(context: &Context, args: Args, settings: &LoadedSettings) -> Result<Exit> {
    let mut examination = Examination::default();
    examination.add("settings", settings::check(settings));
    // Opening the private database corrects modes, so that they are checked before.
    examination.add("data-folder", folder::check(&context.config.data_dir));
    examination.add("disk", folder::check_disk(&context.config.data_dir));
    let database = match context.stop.run_until_cancelled(open(&mut examination, context, settings)).await {
        Some(database) => database,
        None => return Err(Error::Cancelled),
    };
    let examined = examine(&mut examination, context, database.as_ref(), args.idle);
    let is_stopped = context.stop.run_until_cancelled(examined).await.is_none();
    if let Some((database, pool)) = database {
        pool.close().await;
        database.close().await;
    }
    if is_stopped {
        return Err(Error::Cancelled);
    }
    examination.sort();
    report(context, &examination)
}

fn report(context: &Context, examination: &Examination) -> Result<Exit> {
    context.console.print(render::render(examination));
    let failed = examination.checks.iter().filter(|check| !check.result.ok).count();
    let count = counted(examination.checks.len(), "check");
    let left_out = match examination.not_checked.len() {
        0 => String::new(),
        left_out => format!(", {left_out} not made"),
    };
    context.console.notify(match failed {
        0 => format!("{count}, everything in order{left_out}"),
        failed => format!("{count}, {failed} to correct{left_out}"),
    });
    context.console.document(examination)?;
    Ok(if examination.is_good() { Exit::Done } else { Exit::NeedsAttention })
}

/// Opens the database, if there is one, with a pool whose statements end after a timeout.
async fn open(
    examination: &mut Examination,
    context: &Context,
    settings: &LoadedSettings,
) -> Option<(Database, PgPool)> {
    let config = &context.config;
    let is_private = config.database_url.is_empty();
    if is_private && settings.error.is_some() {
        examination.skip(&["database"], "which one it is, the settings say, and they cannot be read");
        return None;
    }
    if is_private && !embedded::is_created(&config.data_dir) {
        examination.add("database", not_created(context));
        return None;
    }
    let opened = match context.database_of_any_schema().await {
        Ok(database) => database.http_pool(config).map(|pool| (database, pool)),
        Err(error) => Err(error),
    };
    match opened {
        Ok(opened) => Some(opened),
        Err(error) => {
            let log = config.data_dir.join("postgres.log");
            let fix = match is_private {
                true => format!("read {} for the reason", log.display()),
                false => "start PostgreSQL, or correct DATABASE_URL".to_owned(),
            };
            examination.add("database", CheckResult::of_error(&error, &fix));
            None
        }
    }
}

/// Describes a private database that no command has created yet.
fn not_created(context: &Context) -> CheckResult {
    let config = &context.config;
    let folder = config.data_dir.display();
    match embedded::find_server(&config.postgres_bin) {
        Ok(server) => CheckResult::bad(
            format!(
                "DATABASE_URL is not set, and there is no private database in {folder} yet (PostgreSQL for it is in {})",
                server.display()
            ),
            "set DATABASE_URL to use an existing database, or run `lectern migrate` to create the private one",
        ),
        Err(error) => CheckResult::of_error(&error, "install PostgreSQL, or set DATABASE_URL"),
    }
}

async fn examine(examination: &mut Examination, context: &Context, database: Option<&(Database, PgPool)>, idle: u32) {
    let config = &context.config;
    let mut migrated: Option<&PgPool> = None;
    let mut database_clock = None;
    match database {
        Some((database, pool)) => match facts(examination, database, pool).await {
            Some(facts) => {
                examine_server(examination, context, pool, &facts, idle).await;
                database_clock = clock::of_database(pool).await.ok().flatten();
                migrated = examine_schema(examination, pool, &facts).await.then_some(pool);
            }
            None => examination.skip(&of_database(), "the database does not answer"),
        },
        None => examination.skip(&of_database(), "there is no connection to the database"),
    }
    let administrate_clock = match remote::examine(examination, config, migrated).await {
        Ok(reading) => reading,
        Err(error) => {
            examination.add("administrate-login", CheckResult::of_error(&error, "run `lectern doctor --debug`"));
            None
        }
    };
    let now = Timestamp::now();
    examination.add("clock", clock::check(&[("database", database_clock), ("Administrate", administrate_clock)], now));
    match migrated {
        Some(pool) => {
            examination.check("webhooks", work::webhooks(pool, config)).await;
            examination.check("syncs", work::syncs(pool, config, now)).await;
            examination.check("outbox", work::outbox(pool)).await;
            examination.check("lessons", work::lessons(pool)).await;
        }
        None => examination.skip(OF_TABLES, "the schema is not the one of this program"),
    }
    examination.check("worker", work::worker(config)).await;
}

/// Adds the check of the database itself, and returns what the server says.
async fn facts(examination: &mut Examination, database: &Database, pool: &PgPool) -> Option<ServerFacts> {
    let mut found = None;
    let reading = async {
        let facts = store::server_facts(pool).await?;
        let result = server::reached(&facts, &database.url, database.is_embedded());
        found = Some(facts);
        Ok(result)
    };
    examination.check("database", reading).await;
    found
}

async fn examine_server(
    examination: &mut Examination,
    context: &Context,
    pool: &PgPool,
    facts: &ServerFacts,
    idle: u32,
) {
    examination.add("server-version", server::version(facts));
    examination.add("encoding", server::encoding(facts));
    examination.check("time-zone", server::time_zone(pool, facts, &context.config)).await;
    examination.add("writable", server::writable(facts));
    examination.add("connections", server::connections(facts, &context.config));
    examination.add("track-activities", server::track_activities(facts));
    examination.check("idle-transactions", activity::idle_transactions(pool, facts, idle)).await;
    examination.check("replication-slots", activity::replication_slots(pool)).await;
}

/// Examines the schema; returns whether all tables of this program are there.
async fn examine_schema(examination: &mut Examination, pool: &PgPool, facts: &ServerFacts) -> bool {
    let tables = schema::used_tables();
    let is_complete = examination.check("schema", schema::steps(pool)).await;
    match schema::placement(pool).await {
        Ok(None) => examination.skip(&["placement"], "the database has none of the seven tables yet"),
        Ok(Some(result)) => _ = examination.add("placement", result),
        Err(error) => _ = examination.check("placement", async { Err(error) }).await,
    }
    examination.check("grants", grants::check(pool, facts, &tables, !is_complete)).await;
    examination.check("sequences", schema::sequences(pool, &tables)).await;
    examination.check("indexes", schema::indexes(pool, &tables)).await;
    examination.check("constraints", schema::constraints(pool, &tables)).await;
    examination.check("compat-views", activity::compat_views(pool, facts, &migrate::former_names())).await;
    is_complete
}
