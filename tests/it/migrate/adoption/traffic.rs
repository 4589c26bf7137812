//! Readers and writers go on while a living database is adopted and given back: none of their statements fails.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{difference, in_parallel, last_sql_step, migrate, migrate_with};
use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State, fingerprint};

/// What a program does in one round: transactions over several tables, in an order of its own. {n} is its number, {t:NAME}
/// a table of Administrate's side.
const ROUNDS: [&[&str]; 4] = [
    &[
        "INSERT INTO {t:locations} (external_id, created_at, updated_at) VALUES ('n{n}', now(), now()) RETURNING id",
        "UPDATE {t:venues} SET updated_at = now() WHERE id = {n}",
        "SELECT count(*), max(external_id) FROM {t:pricelevels}",
        "UPDATE acted.tutorial_events SET remain_space = remain_space + 1, updated_at = now() WHERE id = {n}",
        "DELETE FROM {t:locations} WHERE external_id = 'n{n}'",
    ],
    &[
        "UPDATE acted.tutorial_events SET remain_space = remain_space - 1, updated_at = now() WHERE id = {n}",
        "SELECT external_id FROM {t:course_templates} WHERE id = {n}",
        "INSERT INTO {t:instructors} (external_id, is_active, last_synced, created_at, updated_at)
         VALUES ('n{n}', true, now(), now(), now())",
        "UPDATE {t:venues} SET updated_at = now() WHERE id = {n}",
        "SELECT l.external_id, v.external_id FROM {t:venues} AS v LEFT JOIN {t:locations} AS l ON l.external_id = v.location_id",
        "DELETE FROM {t:instructors} WHERE external_id = 'n{n}'",
    ],
    &["SELECT id, external_id FROM {t:locations} WHERE external_id = 'x' OR id = {n}"],
    &[
        "UPDATE {t:course_template_price_levels} SET amount = amount WHERE id = {n}",
        "UPDATE {t:custom_fields} SET label = label WHERE id = {n}",
        "UPDATE acted.tutorial_sessions SET title = title WHERE id = {n}",
    ],
];

struct Traffic {
    stop: Arc<AtomicBool>,
    statements: Arc<AtomicU64>,
    programs: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Traffic {
    /// Starts programs that work until they are stopped. `name` gives a table's name.
    async fn start(living: &LivingDb, search_path: &str, name: &dyn Fn(&str) -> String) -> Traffic {
        let (stop, statements) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut programs = Vec::new();
        for number in 1..=8_usize {
            let rounds: Vec<Vec<String>> = (0..ROUNDS.len())
                .map(|at| ROUNDS[(at + number) % ROUNDS.len()].iter().map(|sql| fill(sql, number, name)).collect())
                .collect();
            let options: PgConnectOptions = living.owner_url().parse().expect("a URL");
            let options = options.options([("search_path", search_path), ("role", living.roles.owner.as_str())]);
            let connection = PgConnection::connect_with(&options).await.expect("connected");
            programs.push(tokio::spawn(work(connection, rounds, stop.clone(), statements.clone())));
        }
        Traffic { stop, statements, programs }
    }

    fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Waits until the programs have done this much more.
    async fn wait_for(&self, statements: u64) {
        let goal = self.statements() + statements;
        while self.statements() < goal && self.programs.iter().any(|program| !program.is_finished()) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Stops the programs; returns what failed.
    async fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for program in self.programs {
            failures.extend(program.await.expect("ended"));
        }
        failures
    }
}

fn fill(sql: &str, number: usize, name: &dyn Fn(&str) -> String) -> String {
    let mut filled = sql.replace("{n}", &number.to_string());
    while let Some((before, rest)) = filled.split_once("{t:") {
        let (table, after) = rest.split_once('}').expect("closed");
        filled = format!("{before}{}{after}", name(table));
    }
    filled
}

/// Prepared statements and plain ones take turns.
async fn work(
    mut connection: PgConnection,
    rounds: Vec<Vec<String>>,
    stop: Arc<AtomicBool>,
    statements: Arc<AtomicU64>,
) -> Vec<String> {
    let mut prepared = false;
    while !stop.load(Ordering::Relaxed) {
        prepared = !prepared;
        for round in &rounds {
            let Ok(mut transaction) = connection.begin().await else { return vec!["no connection".to_owned()] };
            for sql in round {
                let done = match prepared {
                    true => sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut *transaction).await,
                    false => sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *transaction).await,
                };
                if let Err(error) = done {
                    return vec![format!("{error}: {sql}")];
                }
                statements.fetch_add(1, Ordering::Relaxed);
            }
            if let Err(error) = transaction.commit().await {
                return vec![format!("{error}: commit of {round:?}")];
            }
            // Programs have other things to do as well.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    Vec::new()
}

/// Adopts and gives back, twice, while programs work.
async fn adopt_under_traffic(legacy: &Legacy, search_path: &str, views: bool, name: &(dyn Fn(&str) -> String + Sync)) {
    let living = legacy.build().await;
    let traffic = Traffic::start(&living, search_path, name).await;
    traffic.wait_for(500).await;
    let apply: &[&str] = if views { &["apply", "--compat-views"] } else { &["apply"] };
    for arguments in
        [apply, &["undo", "adm-schema"], &["undo", "adopt"], apply, &["undo", "adopt"], &["undo", "adm-schema"]]
    {
        let before = traffic.statements();
        let (exit, document, messages) = tokio::task::block_in_place(|| migrate(&living, arguments));
        assert_eq!(exit, Some(0), "{legacy:?} {arguments:?}\n{messages}\n{document:#}");
        assert!(traffic.statements() > before, "{arguments:?}: the programs went on");
        traffic.wait_for(50).await;
    }
    assert_eq!(traffic.stop().await, [""; 0], "{legacy:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_statement_fails_during_the_adoption() {
    let rows = |legacy| Legacy { rows: 20, ..legacy };
    let (state, naming) = (State::February13, Naming::Living);
    adopt_under_traffic(&rows(Legacy::new(state, Placement::Public, naming)), "adm, public", false, &|t| t.to_owned())
        .await;
    let dotted = |table: &str| format!("public.\"adm.{table}\"");
    adopt_under_traffic(&rows(Legacy::new(state, Placement::Dotted, naming)), "public", true, &dotted).await;
    let plain = |table: &str| format!("public.{table}");
    adopt_under_traffic(&rows(Legacy::new(state, Placement::Public, naming)), "public", true, &plain).await;
}

/// Opens a transaction that has read a table, as the program `report`.
async fn reader(living: &LivingDb, table: &str) -> (PgConnection, i32) {
    let options: PgConnectOptions = living.db.url.parse().expect("a URL");
    let mut reader = PgConnection::connect_with(&options.application_name("report")).await.expect("connected");
    let sql = format!("BEGIN; SELECT count(*) FROM {table}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut reader).await.expect("read");
    let process = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut reader).await.expect("a number");
    (reader, process)
}

const SHORT: [(&str, &str); 2] = [("LECTERN_LOCK_TIMEOUT_MS", "400"), ("LECTERN_LOCK_WAIT_MS", "2500")];

#[tokio::test(flavor = "multi_thread")]
async fn transaction_that_stays_open_is_named_and_nothing_is_changed() {
    let living = Legacy::new(State::February12, Placement::Mixed, Naming::Django).build().await;
    let before = fingerprint(&living.db.pool).await;
    for table in ["acted.prices", "public.auth_user"] {
        let (reader, process) = self::reader(&living, table).await;
        let (exit, _, messages) = migrate_with(&living, &[], &SHORT);
        assert_eq!(exit, Some(1), "{messages}");
        assert!(messages.contains(&format!("(pid) {process} ")) && messages.contains(table), "{messages}");
        assert_eq!(difference(&before, &fingerprint(&living.db.pool).await), "", "{table}");
        reader.close().await.expect("closed");
    }
    let (reader, process) = self::reader(&living, "public.pricelevels").await;
    let is_named = |messages: &str, table: &str| {
        for part in ["nothing was changed", table, &format!("(pid) {process} "), "program \"report\""] {
            assert!(messages.contains(part), "{part}: {messages}");
        }
    };
    let (exit, _, messages) = migrate_with(&living, &[], &SHORT);
    assert_eq!(exit, Some(1), "{messages}");
    is_named(&messages, "public.pricelevels");
    assert_eq!(difference(&before, &fingerprint(&living.db.pool).await), "");
    reader.close().await.expect("closed");
    assert_eq!(migrate(&living, &[]).0, Some(0));
    let adopted = fingerprint(&living.db.pool).await;
    for (name, table) in [("adm-schema", "adm.pricelevels"), ("adopt", "adm.events")] {
        let (reader, process) = self::reader(&living, table).await;
        let (exit, _, messages) = migrate_with(&living, &["undo", name], &SHORT);
        assert_eq!(exit, Some(1), "{messages}");
        assert!(messages.contains(&format!("(pid) {process} ")) && messages.contains(table), "{messages}");
        assert_eq!(difference(&adopted, &fingerprint(&living.db.pool).await), "", "{name}");
        reader.close().await.expect("closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_goes_on_when_the_transaction_ends() {
    in_parallel(vec!["public.venues", "acted.products"], async |table| {
        let living = Legacy::new(State::February13, Placement::Public, Naming::Django).build().await;
        let (reader, _) = self::reader(&living, table).await;
        let mut command = living.db.program(&["migrate", "--to", &last_sql_step()]);
        command.env("DATABASE_URL", living.owner_url()).env("LECTERN_LOCK_TIMEOUT_MS", "100");
        let mut program = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("started");
        let mut messages = BufReader::new(program.stderr.take().expect("piped"));
        let waiting = (&mut messages).lines().map_while(Result::ok).find(|line| line.contains("waiting for"));
        assert!(waiting.is_some(), "{table}: it says that it waits");
        reader.close().await.expect("closed");
        let mut rest = String::new();
        messages.read_to_string(&mut rest).expect("text");
        assert_eq!(program.wait().expect("ended").code(), Some(0), "{rest}");
    });
}
