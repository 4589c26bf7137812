//! The move `lesson-sessions` of a living database: offline beside copies of the same rows by plain SQL, online beside
//! writers.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::load::{Done, Waits};
use super::shown;
use crate::Result;
use crate::figure::{Figure, Samples, seconds};
use crate::program::run;
use crate::stage::Stage;

/// Lessons that are moved.
const LESSONS: u32 = 1_000_000;

const TEMPLATE: &str = "living_lessons";
const COPY: &str = "moved_lessons";

const SELECT_OF_PLAN: &str = "INSERT INTO lectern.sessions (";

/// Keys and indexes of `sessions`.
const KEYS: &str = "
    ALTER TABLE copied ALTER id SET NOT NULL, ALTER session_date SET NOT NULL, ALTER start_time SET NOT NULL,
        {not_null} ADD PRIMARY KEY (id), ADD FOREIGN KEY ({enrolment}) REFERENCES {target} ON DELETE CASCADE;
    CREATE INDEX ON copied ({enrolment}); CREATE INDEX ON copied (session_date); CREATE INDEX ON copied (status);
    CREATE INDEX ON copied (is_featured); CREATE INDEX ON copied (is_recurring); ANALYZE copied";

pub async fn measure(stage: &Stage, runs: usize, most_rows: u32) -> Result<Vec<Figure>> {
    let rows = LESSONS.min(most_rows);
    create(stage, rows).await?;
    let mut figures = shown(offline(stage, rows, runs).await?);
    figures.extend(shown(online(stage, rows).await?));
    stage.drop(TEMPLATE).await?;
    Ok(figures)
}

async fn create(stage: &Stage, rows: u32) -> Result<()> {
    stage.create_empty(TEMPLATE).await?;
    let mut db = PgConnection::connect(&stage.url(TEMPLATE)).await?;
    let sql = include_str!("lessons.sql").replace("{rows}", &rows.to_string());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await?;
    sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut db).await?;
    Ok(db.close().await?)
}

/// Moves offline, in turn with copies of the mapped rows and of the rows as they are, each with keys and indexes.
async fn offline(stage: &Stage, rows: u32, runs: usize) -> Result<Vec<Figure>> {
    let (mut copied, mut verified, mut whole) = (Samples::default(), Samples::default(), Samples::default());
    let (mut rest, mut mapped, mut plain) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..runs {
        stage.copy(COPY, TEMPLATE).await?;
        // The versioned SQL first: the statements of the plan call its functions.
        run(stage.program(COPY, None, &["migrate", "apply", "--to", "lesson-copy", "--json"])).await?;
        let (of_map, of_plain) = peers(stage, rows).await?;
        mapped.push(of_map);
        plain.push(of_plain);
        stage.execute("CHECKPOINT".to_owned()).await?;
        let moved = run(stage.program(COPY, None, &["migrate", "apply", "--offline", "--json"])).await?;
        let receipt = &moved.document()?["receipt"];
        let step = &receipt["steps"][0];
        if receipt["ok"] != true || receipt["tables"][1]["after"]["rows"] != rows {
            return Err(format!("the move is not proved: {receipt:#}").into());
        }
        let time = |name: &str| step[name].as_f64().unwrap_or_default();
        copied.push(time("copied_seconds"));
        verified.push(time("verified_seconds"));
        rest.push(time("seconds") - time("verified_seconds"));
        whole.push(moved.seconds);
    }
    stage.drop(COPY).await?;
    let what = format!("lesson-sessions --offline, {rows} rows: rows, keys and indexes");
    Ok(vec![
        Figure::faster(&what, &copied, ("CREATE TABLE AS of the same SELECT, with keys and indexes", &mapped), 0.9),
        Figure::faster(
            "the same",
            &copied,
            ("CREATE TABLE AS of the rows as they are, with keys and indexes", &plain),
            0.6,
        ),
        Figure::at_most("its verification", &verified, ("everything else of the move", &rest), 0.6),
        Figure::plain(
            "the whole program, with archive and history",
            seconds(whole.median()),
            String::new(),
            String::new(),
        ),
    ])
}

/// Copies the rows by plain SQL; returns the seconds, mapped and as they are.
async fn peers(stage: &Stage, rows: u32) -> Result<(f64, f64)> {
    let plan = run(stage.program(COPY, None, &["migrate", "plan", "--sql"])).await?;
    let (functions, rest) = plan.stdout.split_once("SELECT lectern.create_lesson_sessions").ok_or("no statements")?;
    let functions = functions.split_once("BEGIN;").ok_or("no functions")?.1;
    let insert = rest.split_once(SELECT_OF_PLAN).ok_or("no copy of rows")?.1;
    let select = insert.split_once(')').ok_or("no columns")?.1;
    let select = select.split_once(";\nSELECT lectern.complete").ok_or("no end")?.0;
    let keys = |not_null: &str, enrolment: &str, target: &str| {
        KEYS.replace("{not_null}", not_null).replace("{enrolment}", enrolment).replace("{target}", target)
    };
    let mut db = PgConnection::connect(&stage.url(COPY)).await?;
    sqlx::raw_sql(AssertSqlSafe(functions.to_owned())).execute(&mut db).await?;
    let mut times = Vec::new();
    for (select, keys) in [
        (select, keys("ALTER end_time SET NOT NULL,", "course_enrollment_id", "enrolled_students")),
        ("SELECT * FROM tutor_sessions", keys("", "tutor_id", "tutor_profiles")),
    ] {
        stage.execute("CHECKPOINT".to_owned()).await?;
        let started = Instant::now();
        let sql = format!("BEGIN; CREATE TABLE copied AS {select}; {keys}; COMMIT");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await?;
        times.push(started.elapsed().as_secs_f64());
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM copied").fetch_one(&mut db).await?;
        if count != i64::from(rows) {
            return Err(format!("the copy has {count} rows").into());
        }
        sqlx::raw_sql("DROP TABLE copied").execute(&mut db).await?;
    }
    db.close().await?;
    Ok((times[0], times[1]))
}

const WRITERS: u32 = 10;
const INTERVAL: Duration = Duration::from_millis(50);

/// How long the writers work alone.
const ALONE: Duration = Duration::from_secs(20);

const BATCH_ROWS: &str = "LECTERN_COPY_BATCH_ROWS";
const PAUSE_MS: &str = "LECTERN_COPY_PAUSE_MS";

/// Hands a setting of this process on, else the default. Returns it.
fn setting(command: &mut Command, name: &str, default: &str) -> String {
    let value = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    command.env(name, &value);
    value
}

/// Moves while others write two hundred rows a second.
async fn online(stage: &Stage, rows: u32) -> Result<Vec<Figure>> {
    stage.copy(COPY, TEMPLATE).await?;
    stage.execute("CHECKPOINT".to_owned()).await?;
    let (stop, mut writers) = (CancellationToken::new(), JoinSet::new());
    for number in 0..WRITERS {
        let db = PgConnection::connect(&stage.url(COPY)).await?;
        writers.spawn(write(db, number, rows, stop.clone()));
    }
    tokio::time::sleep(ALONE / 4).await;
    let alone = Instant::now();
    tokio::time::sleep(ALONE).await;
    let started = Instant::now();
    let mut command = stage.program(COPY, None, &["migrate", "--json"]);
    let (batch_rows, pause) = (setting(&mut command, BATCH_ROWS, "500"), setting(&mut command, PAUSE_MS, "20"));
    let program = run(command).await;
    let ended = Instant::now();
    stop.cancel();
    let mut done = Vec::new();
    while let Some(writer) = writers.join_next().await {
        done.extend(writer??);
    }
    let program = program?;
    let receipt = &program.document()?["receipt"];
    let locked = receipt["steps"][0]["locked_seconds"].as_f64().unwrap_or_default();
    let (before, during) = (Waits::of(&done, true, alone, started), Waits::of(&done, true, started, ended));
    stage.drop(COPY).await?;
    let peer = |value| format!("before it: {}", seconds(value));
    let ratio = during.p99 / before.p99;
    Ok(vec![
        Figure {
            goal: "≤ 1.2 ×".to_owned(),
            met: ratio <= 1.2,
            ..Figure::plain(
                &format!(
                    "p99 of {} writes beside `migrate`, pause {pause} ms, {batch_rows} rows a batch or a twentieth",
                    during.count
                ),
                seconds(during.p99),
                peer(before.p99),
                format!("{ratio:.2} ×"),
            )
        },
        Figure::plain("longest wait of these writes", seconds(during.max), peer(before.max), String::new()),
        Figure::plain("lock in which the tables change places", seconds(locked), String::new(), String::new()),
        Figure::plain("the whole program", seconds(program.seconds), String::new(), String::new()),
    ])
}

/// Writes lessons until the table has moved.
async fn write(mut db: PgConnection, number: u32, rows: u32, stop: CancellationToken) -> Result<Vec<Done>> {
    let mut done = Vec::new();
    let first = tokio::time::Instant::now() + INTERVAL * number / WRITERS;
    let mut ticks = tokio::time::interval_at(first, INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for turn in number.. {
        let due = ticks.tick().await.into_std();
        if stop.is_cancelled() {
            break;
        }
        let id = i32::try_from(turn.wrapping_mul(7919) % rows)? + 1;
        let written = sqlx::query("UPDATE tutor_sessions SET topic = topic || '.' WHERE id = $1").bind(id);
        match written.execute(&mut db).await {
            Ok(_) => done.push(Done { is_write: true, due, seconds: due.elapsed().as_secs_f64() }),
            // The table is the archive now.
            Err(error) if error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("42P01")) => break,
            Err(error) => return Err(error.into()),
        }
    }
    db.close().await?;
    Ok(done)
}
