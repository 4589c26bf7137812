//! Moves of living databases. `adm-schema`: how long its tables are locked, beside a copy of the rows and beside the
//! migration that a Django program would make; how long the whole program takes; what readers and writers meet.
//! `lesson-sessions`: how long its copy takes, beside copies by plain SQL; what writers meet.

mod lessons;
mod living;
mod load;
mod observer;
mod statements;

use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use self::load::Load;
use self::observer::Reader;
use self::statements::Statements;
use crate::Result;
use crate::figure::{Figure, Samples, seconds, table};
use crate::program::run;
use crate::stage::{Stage, peer_file};

/// Rows of the table `locations`.
const SIZES: [u32; 4] = [1_000, 100_000, 1_000_000, 10_000_000];

/// The size whose rows are copied.
const COPIED: u32 = 1_000_000;

/// How often each lock is measured.
const TURNS: usize = 20;

/// The longest time under lock for a table, in seconds.
const MAX_LOCKED: f64 = 0.010;

fn database(rows: u32) -> String {
    format!("living_{rows}")
}

pub async fn measure(stage: &Stage, runs: usize, most_rows: u32) -> Result<Vec<Figure>> {
    let mut figures = lessons::measure(stage, runs.min(3), most_rows).await?;
    let sizes: Vec<u32> = SIZES.into_iter().filter(|rows| *rows <= most_rows).collect();
    for rows in sizes.iter().copied() {
        let started = Instant::now();
        living::create(stage, &database(rows), rows).await?;
        eprintln!("{rows} rows are made in {}", seconds(started.elapsed().as_secs_f64()));
    }
    figures.extend(shown(locks(stage, &sizes, runs).await?));
    figures.extend(shown(beside_django(stage).await?));
    figures.extend(shown(under_load(stage).await?));
    for rows in sizes {
        let runs = if rows > COPIED { 1 } else { runs };
        figures.extend(shown(whole_program(stage, rows, runs).await?));
        stage.drop(&database(rows)).await?;
    }
    Ok(figures)
}

/// Shows figures before the others are measured, which takes minutes.
fn shown(figures: Vec<Figure>) -> Vec<Figure> {
    eprintln!("{}", table(&figures));
    figures
}

/// Measures the locks of one table of each size, in turn, on warm connections.
async fn locks(stage: &Stage, sizes: &[u32], runs: usize) -> Result<Vec<Figure>> {
    let mut sides = Vec::new();
    for rows in sizes.iter().copied() {
        let statements = Statements::of_program(stage, &database(rows)).await?.of_table("locations");
        let mut connection = PgConnection::connect(&stage.url(&database(rows))).await?;
        statements.run(&mut connection).await?;
        sides.push((statements, connection, Samples::default(), Samples::default()));
    }
    let mut copies = Samples::default();
    let copied = sizes.iter().position(|rows| *rows == COPIED).unwrap_or(sizes.len() - 1);
    for turn in 0..TURNS {
        for (statements, connection, places, names) in &mut sides {
            let locked = statements.run(connection).await?;
            places.push(locked.places);
            names.push(locked.names);
        }
        if let Some((_, connection, ..)) = sides.get_mut(copied).filter(|_| turn < runs.min(3)) {
            copies.push(copy(connection).await?);
            stage.execute("CHECKPOINT".to_owned()).await?;
        }
    }
    let mut figures = Vec::new();
    let mut times = Vec::new();
    for ((_, connection, places, names), rows) in sides.into_iter().zip(sizes) {
        connection.close().await?;
        figures.push(Figure::within(&format!("lock of a table of {rows} rows for its place"), &places, MAX_LOCKED));
        figures.push(Figure::within("the same for the names of its indexes", &names, MAX_LOCKED));
        times.push(places);
    }
    let of = |at: usize| format!("lock of a table of {} rows", sizes[at]);
    let last = sizes.len() - 1;
    figures.push(Figure::at_most(&of(last), &times[last], (&of(0), &times[0]), 1.5));
    let copy = ("copy of the rows, with keys and indexes", &copies);
    figures.push(Figure::faster(&of(copied), &times[copied], copy, 300.0));
    Ok(figures)
}

/// Copies the rows to a table of schema `adm` with the same constraints and indexes; returns the seconds.
async fn copy(db: &mut PgConnection) -> Result<f64> {
    let definitions: Vec<String> = sqlx::query_scalar(
        "SELECT format('ALTER TABLE adm.copied ADD %s', pg_get_constraintdef(oid)) FROM pg_constraint
         WHERE conrelid = 'public.\"adm.locations\"'::regclass
         UNION ALL
         SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX .* ON [^ ]+ USING', 'INDEX ON adm.copied USING')
         FROM pg_index AS i WHERE indrelid = 'public.\"adm.locations\"'::regclass
           AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
         UNION ALL
         SELECT format('ALTER TABLE adm.copied ALTER %I SET NOT NULL', attname) FROM pg_attribute
         WHERE attrelid = 'public.\"adm.locations\"'::regclass AND attnum > 0 AND attnotnull",
    )
    .fetch_all(&mut *db)
    .await?;
    let copied = "CREATE TABLE adm.copied AS SELECT * FROM public.\"adm.locations\"";
    let sql = format!("BEGIN; {copied};\n{};\nCOMMIT", definitions.join(";\n"));
    let started = Instant::now();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await?;
    let taken = started.elapsed().as_secs_f64();
    let lost: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM public.\"adm.locations\") - (SELECT count(*) FROM adm.copied)",
    )
    .fetch_one(&mut *db)
    .await?;
    if lost != 0 || definitions.len() < 3 {
        return Err(format!("the copy lacks {lost} rows or keys: {definitions:?}").into());
    }
    sqlx::raw_sql("DROP TABLE adm.copied").execute(&mut *db).await?;
    Ok(taken)
}

/// Measures the lock of all seven tables together, beside Django's migration of the same tables.
async fn beside_django(stage: &Stage) -> Result<Vec<Figure>> {
    let database = database(SIZES[0]);
    let statements = Statements::of_program(stage, &database).await?;
    let mut connection = PgConnection::connect(&stage.url(&database)).await?;
    statements.run(&mut connection).await?;
    let (mut places, mut names, mut django) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..4 {
        for _ in 0..TURNS / 4 {
            let locked = statements.run(&mut connection).await?;
            places.push(locked.places);
            names.push(locked.names);
        }
        // The first one is not warm.
        let turns = (TURNS / 4 + 1).to_string();
        let printed = run(stage.peer(&database, None, &[&peer_file("living.py"), "move", &turns])).await?;
        let times: Vec<f64> = serde_json::from_str(&printed.stdout)?;
        times.iter().skip(1).for_each(|time| django.push(*time));
    }
    connection.close().await?;
    let limit = MAX_LOCKED * living::TABLES.len() as f64;
    Ok(vec![
        Figure::within("lock of seven tables for their places", &places, limit),
        Figure::within("lock of seven tables for the names of their indexes", &names, limit),
        Figure::plain(
            "lock of seven tables for their places",
            seconds(places.median()),
            format!("Django's migration: {}", seconds(django.median())),
            format!("{:.2} ×", places.median() / django.median()),
        ),
    ])
}

/// Runs the whole program, and compares what it says of its locks with a reader and the log of the server.
async fn whole_program(stage: &Stage, rows: u32, runs: usize) -> Result<Vec<Figure>> {
    let database = database(rows);
    // The reader has another role, so that it does not fill the log.
    let role = lectern::embedded::NAME;
    stage.execute(format!("ALTER ROLE {role} IN DATABASE {database} SET log_min_duration_statement = 0")).await?;
    let (mut whole, mut reported, mut waited) = (Samples::default(), Samples::default(), Samples::default());
    let (mut places, mut names) = (Samples::default(), Samples::default());
    for _ in 0..runs {
        let (_, before) = stage.log_since(0)?;
        let reader = Reader::start(stage, &database).await?;
        let result = run(stage.program(&database, None, &["migrate", "apply", "--to", "adm-schema", "--json"])).await?;
        waited.push(reader.stop().await?);
        let (log, _) = stage.log_since(before)?;
        let locked = observer::locked_in(&log);
        let Some((place, others)) = locked.split_first().filter(|(_, others)| !others.is_empty()) else {
            return Err(format!("the log does not show the locks: {log}").into());
        };
        places.push(*place);
        names.push(others.iter().copied().fold(0.0, f64::max));
        whole.push(result.seconds);
        let document = result.document()?;
        let receipt = &document["receipt"];
        if receipt["ok"] != true {
            return Err(format!("the receipt proves nothing: {receipt}").into());
        }
        reported.push(receipt["steps"][0]["locked_seconds"].as_f64().unwrap_or_default());
        run(stage.program(&database, None, &["migrate", "undo", "adm-schema"])).await?;
    }
    let [whole, reported, place, name] = [&whole, &reported, &places, &names].map(|samples| seconds(samples.median()));
    let longest = seconds(waited.median());
    eprintln!(
        "{rows} rows: whole {whole}; all locks by the receipt {reported}, by the log {place} and at most {name}; a reader waits {longest}"
    );
    let limit = MAX_LOCKED * living::TABLES.len() as f64;
    Ok(vec![
        Figure::plain(&format!("whole move of {rows} rows, with two hashes"), whole, String::new(), String::new()),
        Figure::within("its lock of seven tables for their places, by the server's log", &places, limit),
        Figure::within(
            "its longest lock of a table for the names of its indexes, by the server's log",
            &names,
            MAX_LOCKED,
        ),
        Figure::within("the longest wait of a reader beside it", &waited, limit),
    ])
}

/// Rows of `locations` while others read and write.
const LOADED: u32 = 100_000;

/// Migrates completely while a thousand statements in a second read and write the seven tables.
async fn under_load(stage: &Stage) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (database, how, prefix, arguments) in [
        ("loaded_by_path", "by search path", "", &["migrate", "--json"][..]),
        ("loaded_by_view", "by former names", "adm.", &["migrate", "--compat-views", "--json"]),
    ] {
        living::create(stage, database, LOADED).await?;
        if prefix.is_empty() {
            living::drop_prefixes(stage, database).await?;
        }
        let Load { before, during, failures, program } = load::beside(stage, database, prefix, arguments).await?;
        failures.iter().take(5).for_each(|failure| eprintln!("{failure}"));
        let receipt = &program.document()?["receipt"];
        let count = during[0].count + during[1].count;
        eprintln!(
            "{how}: {count} statements in {}, receipt {}, locked {} + {}",
            seconds(program.seconds),
            receipt["ok"],
            receipt["steps"][0]["locked_seconds"],
            receipt["steps"][1]["locked_seconds"],
        );
        figures.push(Figure {
            met: failures.is_empty(),
            goal: "0".to_owned(),
            ..Figure::plain(
                &format!("failures of {count} statements beside `migrate`, {how}"),
                failures.len().to_string(),
                String::new(),
                String::new(),
            )
        });
        for ((kind, before), during) in ["reads", "writes"].iter().zip(&before).zip(&during) {
            for (name, before, during) in [("p99", before.p99, during.p99), ("longest wait", before.max, during.max)] {
                let (peer, ratio) = (format!("before it: {}", seconds(before)), format!("{:.1} ×", during / before));
                figures.push(Figure::plain(&format!("{name} of these {kind}"), seconds(during), peer, ratio));
            }
        }
        stage.drop(database).await?;
    }
    Ok(figures)
}
