//! The program is killed, and other programs go on.

use std::process::Stdio;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use super::super::adoption::{IS_GONE, WAITS, difference, until};
use super::{NAME, adopt, hostile, migrate, objects, rows, text};
use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State};

/// What another program holds while the move waits for it: in the middle of its transaction, and at its end.
const LOCKED: [&str; 2] = ["LOCK TABLE lectern.archive IN SHARE MODE", "LOCK TABLE lectern.moves IN SHARE MODE"];

/// Starts the program, and kills it while it waits for another program in its transaction.
async fn kill_while_it_waits(living: &LivingDb, arguments: &[&str], lock: &str) {
    let mut other = living.db.pool.begin().await.expect("begun");
    sqlx::raw_sql(AssertSqlSafe(lock.to_owned())).execute(&mut *other).await.expect("locked");
    let mut command = living.db.program(arguments);
    command.env("DATABASE_URL", living.owner_url()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn().expect("started");
    until(living, WAITS).await;
    program.kill().expect("killed");
    program.wait().expect("ended");
    other.rollback().await.expect("released");
    until(living, IS_GONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_program_leaves_the_old_state() {
    let mut legacy = Legacy::new(State::February4, Placement::Mixed, Naming::Living);
    legacy.rows = 1000;
    let living = legacy.build().await;
    let pool = &living.db.pool;
    adopt(&living, &[]);
    let before = (objects(pool).await, rows(pool).await);
    // The undo begins where the move ended, and is killed there as well.
    for (arguments, exit) in [(&["migrate"][..], 4), (&["migrate", "undo", NAME], 0)] {
        let found = (objects(pool).await, rows(pool).await);
        for lock in LOCKED {
            kill_while_it_waits(&living, arguments, lock).await;
            assert_eq!(difference(&found.0, &objects(pool).await), "", "{arguments:?} {lock}");
            assert!(found.1 == rows(pool).await, "{arguments:?} {lock}: other rows");
        }
        let (ended, _, messages) = migrate(&living, &arguments[1..]);
        assert_eq!(ended, Some(exit), "{messages}");
    }
    assert_eq!(difference(&before.0, &objects(pool).await), "");
    assert!(before.1 == rows(pool).await, "other rows than before");
    // Each table was read some times, not once for each row that goes.
    let scans = "SELECT (max(seq_tup_read) < 1000000)::text FROM pg_stat_user_tables WHERE schemaname = 'adm'";
    assert_eq!(text(pool, scans).await, "true");
}

/// A statement that waits for a table behind a view has locked the view, which the move has to change.
#[tokio::test(flavor = "multi_thread")]
async fn writer_by_a_former_name_waits_and_the_move_goes_on() {
    let living = Legacy::new(State::February4, Placement::Dotted, Naming::Living).build().await;
    adopt(&living, &["--compat-views"]);
    let pool = living.db.pool.clone();
    let mut other = pool.begin().await.expect("begun");
    sqlx::raw_sql(LOCKED[0]).execute(&mut *other).await.expect("locked");
    let mut command = living.db.program(&["migrate"]);
    // Nothing is tried a second time.
    command.env("DATABASE_URL", living.owner_url()).env("LECTERN_LOCK_TIMEOUT_MS", "100000");
    let program = tokio::task::spawn_blocking(move || command.output());
    until(&living, WAITS).await;
    let write = r#"UPDATE public."adm.venues" SET external_id = external_id WHERE id = 1"#;
    let writer = tokio::spawn(async move { sqlx::query(write).execute(&pool).await });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                                AND query LIKE 'UPDATE public%')";
    until(&living, waits).await;
    other.rollback().await.expect("released");
    let output = program.await.expect("joined").expect("it runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{messages}");
    assert_eq!(writer.await.expect("joined").expect("written").rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_of_other_programs_do_not_fail_and_are_not_lost() {
    let mut legacy = hostile(State::February13, Placement::Adm, Naming::Django);
    legacy.rows = 50;
    let living = legacy.build().await;
    adopt(&living, &[]);
    let pool = &living.db.pool;
    let before: i64 =
        text(pool, "SELECT sum(remain_space)::text FROM acted.tutorial_events").await.parse().expect("a number");
    let stop = CancellationToken::new();
    let mut programs = Vec::new();
    for number in 1..=4_i64 {
        let (pool, stop) = (pool.clone(), stop.clone());
        programs.push(tokio::spawn(async move {
            let mut written = 0_i64;
            while !stop.is_cancelled() {
                let mut transaction = pool.begin().await?;
                let read = "SELECT count(*) FROM acted.tutorial_sessions AS s JOIN acted.tutorial_events AS e ON e.id = s.tutorial_event_id";
                sqlx::query(read).execute(&mut *transaction).await?;
                transaction.commit().await?;
                let write = "UPDATE acted.tutorial_events SET remain_space = remain_space + 1 WHERE id = $1";
                sqlx::query(write).bind(number).execute(&pool).await?;
                written += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<i64, sqlx::Error>(written)
        }));
    }
    for arguments in [&[][..], &["undo", NAME], &[]] {
        let (exit, _, messages) = tokio::task::block_in_place(|| migrate(&living, arguments));
        assert!(matches!(exit, Some(0 | 4)), "{arguments:?} {exit:?} {messages}");
    }
    stop.cancel();
    let mut written = 0;
    for program in programs {
        written += program.await.expect("ended").expect("no statement failed");
    }
    assert!(written > 0);
    let after: i64 =
        text(pool, "SELECT sum(remain_space)::text FROM acted.tutorial_events").await.parse().expect("a number");
    assert_eq!(after - before, written, "every write is there, once");
    let step = "SELECT string_agg(state, ' ') FROM (SELECT CASE WHEN undone_at IS NULL THEN 'applied' ELSE 'undone' END AS state
                FROM lectern.moves WHERE name = 'tutorial-references' ORDER BY id) AS s";
    assert_eq!(text(pool, step).await, "undone applied");
}
