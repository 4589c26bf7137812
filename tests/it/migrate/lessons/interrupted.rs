//! The copy goes on where it was killed, and sees what others write meanwhile.

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};

use super::{LessonOptions, apply, expect_sessions, migrate, undo};
use crate::fixtures::lessons::{execute, living, statements_of_living, texts};
use crate::fixtures::test_db::TestDb;

const MANY: u32 = 10_000;

fn many(rows: u32) -> String {
    INSERT.replace("{rows}", &rows.to_string())
}

const INSERT: &str = "
    INSERT INTO tutor_sessions (tutor_id, student_id, enrollment_id, subject, topic, session_date, start_time, end_time,
        status, student_attended, topics_covered)
    SELECT 1 + n % 10, 1 + n % 25, n % 6, 'S' || n, 'T', date '2024-01-01' + n % 700, '09:00', '10:00', 'completed',
           n % 3 = 0, '{\"topics\":[\"x\"]}'
    FROM generate_series(1, {rows}) AS n";

/// Writes before and behind the place where the copy is.
fn written(round: i32) -> String {
    let tutor = (round - 1) % 10 + 1;
    format!(
        "UPDATE tutor_sessions SET topic = 'w{round}', status = 'missed' WHERE id % 1000 = {round};
         DELETE FROM tutor_sessions WHERE id % 1000 = 500 + {round};
         UPDATE tutor_sessions SET id = id + 1000000 WHERE id % 2000 = 700 + {round};
         INSERT INTO tutor_sessions (tutor_id, student_id, subject, session_date, start_time)
         VALUES ({tutor}, 24, 'new', '2025-01-01', '08:00');
         INSERT INTO enrolled_students (tutor_id, student_id, package_id) VALUES ({tutor}, 24, 1);
         DELETE FROM enrolled_students WHERE id = {round};
         UPDATE enrolled_students SET student_id = 9 WHERE id = 5;"
    )
}

fn start(db: &TestDb, batch_rows: u32) -> Child {
    let mut command = db.program(&["migrate"]);
    command.env("LECTERN_COPY_BATCH_ROWS", batch_rows.to_string()).env("LECTERN_COPY_PAUSE_MS", "600000");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

async fn wait_for_batches(db: &TestDb, batches: i64) {
    for _ in 0..12_000 {
        let copied = sqlx::query_scalar("SELECT count(*) FROM lectern.lesson_copy_batches").fetch_one(&db.pool).await;
        if copied.ok() == Some(batches) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{batches} batches were never copied");
}

/// Rows that are not what the older table says, by the enrolments as they are.
const WRONG: &str = "
    SELECT count(*)::text
    FROM lectern.tutor_sessions_archive AS o FULL JOIN sessions AS s ON s.id = o.id
    LEFT JOIN enrolled_students AS e ON e.id = o.enrollment_id AND e.tutor_id = o.tutor_id AND e.student_id = o.student_id
    LEFT JOIN LATERAL (SELECT min(id) AS id FROM enrolled_students AS p
                       WHERE p.tutor_id = o.tutor_id AND p.student_id = o.student_id) AS p ON true
    WHERE s.id IS NULL OR o.id IS NULL OR s.status <> o.status
       OR s.topics::text <> array_to_json(array_remove(ARRAY[o.subject, o.topic], NULL))::text
       OR s.course_enrollment_id IS DISTINCT FROM coalesce(e.id, p.id)";

/// Kills the program after each batch, while others write, and lets the last run go on to the end.
async fn kill_in_each_batch(rows: u32, batches: u32) {
    let db = living(&many(rows)).await;
    for round in 1..=i32::try_from(batches).expect("few") {
        let mut program = start(&db, rows / batches);
        wait_for_batches(&db, i64::from(round)).await;
        execute(&db, &written(round)).await;
        program.kill().expect("killed");
        program.wait().expect("ended");
        execute(&db, &written(round + 10)).await;
        assert_ne!(lectern::migrate::pending(&db.pool).await.expect("readable"), 0, "it is not done");
    }
    let receipt =
        apply(&db, LessonOptions { pause: Duration::ZERO, ..LessonOptions::default() }).await.expect("applied");
    let receipt = receipt.receipt.expect("a receipt");
    assert_eq!(receipt["ok"], true, "{receipt:#}");
    expect_moved(&db).await;
    let copied = texts(
        &db,
        "SELECT (count(*) >= 4 AND bool_and(first_id > previous))::text
         FROM (SELECT first_id, lag(last_id, 1, 0) OVER (ORDER BY first_id) AS previous FROM lectern.lesson_copy_batches) AS t",
    );
    assert_eq!(copied.await, ["true"], "no row is copied in two batches");
}

/// Checks that the move is complete and every row is what the older table says.
async fn expect_moved(db: &TestDb) {
    assert_eq!(texts(db, WRONG).await, ["0"]);
    let triggers = "SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'lectern_lesson%'";
    assert_eq!(texts(db, triggers).await, [""; 0]);
    expect_sessions(db).await;
    let (exit, _, messages) = migrate(db, &["verify"]);
    assert_eq!(exit, Some(0), "{messages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_goes_on_after_a_kill_in_each_batch_and_sees_what_is_written() {
    kill_in_each_batch(MANY, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn written_row_is_noted_once_and_not_at_all_if_it_is_copied_later() {
    let db = living(&many(MANY)).await;
    let noted = "SELECT session_id::text FROM lectern.lesson_changes ORDER BY session_id";
    let ends = texts(&db, "SELECT unnest(ARRAY[min(id), max(id)])::text FROM tutor_sessions").await;
    for round in 1..=2 {
        let mut program = start(&db, 1000);
        wait_for_batches(&db, round).await;
        program.kill().expect("killed");
        program.wait().expect("ended");
        if round == 1 {
            let [first, last] = &ends[..] else { panic!("{ends:?}") };
            execute(&db, &format!("UPDATE tutor_sessions SET topic = 'w' WHERE id IN ({first}, {last})")).await;
            assert_eq!(texts(&db, noted).await, ends, "each once");
        }
    }
    assert_eq!(texts(&db, noted).await, ends[..1], "the last row is not copied yet");
    apply(&db, LessonOptions { pause: Duration::ZERO, ..LessonOptions::default() }).await.expect("applied");
    expect_moved(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long"]
async fn long_copy_of_many_rows_goes_on_after_a_kill_in_each_batch() {
    kill_in_each_batch(300_000, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long"]
async fn long_move_of_many_rows_is_undone_without_a_trace() {
    let db = living(&many(300_000)).await;
    let content = texts(&db, &super::CONTENT.replace("{table}", "tutor_sessions")).await;
    for options in [super::offline(), LessonOptions::default()] {
        let receipt = apply(&db, options).await.expect("applied").receipt.expect("a receipt");
        assert_eq!((&receipt["ok"], &receipt["tables"][1]["after"]["rows"]), (&true.into(), &300_000.into()));
        expect_moved(&db).await;
        assert!(undo(&db).await.was_applied);
        assert_eq!(texts(&db, &super::CONTENT.replace("{table}", "tutor_sessions")).await, content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_goes_on_after_postgresql_was_stopped_at_once() {
    let db = TestDb::private().await;
    let admin = db.url.replace("postgresql://lectern@", "postgresql://lectern_admin@");
    let mut admin = PgConnection::connect(&admin).await.expect("connected");
    let sql =
        "DROP SCHEMA lectern, acted, adm, public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC";
    sqlx::raw_sql(sql).execute(&mut admin).await.expect("emptied");
    let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut admin).await.expect("a folder");
    admin.close().await.expect("closed");
    execute(&db, &statements_of_living(&many(MANY))).await;
    let mut program = start(&db, MANY / 4);
    wait_for_batches(&db, 1).await;
    let running = || -> Option<i32> {
        std::fs::read_to_string(format!("{folder}/postmaster.pid")).ok()?.lines().next()?.parse().ok()
    };
    let server = running().expect("a number");
    // As `pg_ctl stop -m immediate` does it. The supervisor starts the server again.
    kill(Pid::from_raw(server), Signal::SIGQUIT).expect("signalled");
    program.kill().expect("killed");
    program.wait().expect("ended");
    while running().is_none_or(|number| number == server) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The batch may be lost together with its note: then it is copied again.
    while sqlx::query("SELECT 1").execute(&db.pool).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    execute(&db, &written(1)).await;
    apply(&db, LessonOptions { pause: Duration::ZERO, ..LessonOptions::default() }).await.expect("applied");
    expect_moved(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_copy_can_be_undone() {
    let db = living(&many(MANY)).await;
    let before = super::objects(&db).await;
    let mut program = start(&db, MANY / 4);
    wait_for_batches(&db, 1).await;
    program.kill().expect("killed");
    program.wait().expect("ended");
    assert!(undo(&db).await.was_applied);
    assert_eq!(super::super::adoption::difference(&before, &super::objects(&db).await), "");
    let left = "SELECT to_regclass('lectern.sessions')::text IS NULL AND NOT EXISTS (SELECT FROM lectern.lesson_copy)";
    assert_eq!(texts(&db, &format!("SELECT ({left})::text")).await, ["true"]);
}
