//! The copy goes on where it was killed, and sees what others write meanwhile.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::{LessonOptions, apply, expect_sessions, migrate, undo};
use crate::fixtures::lessons::{execute, living, texts};
use crate::fixtures::test_db::TestDb;

const MANY: &str = "
    INSERT INTO tutor_sessions (tutor_id, student_id, enrollment_id, subject, topic, session_date, start_time, end_time,
        status, student_attended, topics_covered)
    SELECT 1 + n % 10, 1 + n % 25, n % 6, 'S' || n, 'T', date '2024-01-01' + n % 700, '09:00', '10:00', 'completed',
           n % 3 = 0, '{\"topics\":[\"x\"]}'
    FROM generate_series(1, 10000) AS n";

/// Writes before and behind the place where the copy is.
fn written(round: i32) -> String {
    let tutor = (round - 1) % 10 + 1;
    format!(
        "UPDATE tutor_sessions SET topic = 'w{round}', status = 'missed' WHERE id % 1000 = {round};
         DELETE FROM tutor_sessions WHERE id % 1000 = 500 + {round};
         UPDATE tutor_sessions SET id = id + 100000 WHERE id % 2000 = 700 + {round};
         INSERT INTO tutor_sessions (tutor_id, student_id, subject, session_date, start_time)
         VALUES ({tutor}, 24, 'new', '2025-01-01', '08:00');
         INSERT INTO enrolled_students (tutor_id, student_id, package_id) VALUES ({tutor}, 24, 1);
         DELETE FROM enrolled_students WHERE id = {round};
         UPDATE enrolled_students SET student_id = 9 WHERE id = 5;"
    )
}

fn start(db: &TestDb) -> Child {
    let mut command = db.program(&["migrate"]);
    command.env("LECTERN_COPY_BATCH_ROWS", "2500").env("LECTERN_COPY_PAUSE_MS", "600000");
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

#[tokio::test(flavor = "multi_thread")]
async fn copy_goes_on_after_a_kill_in_each_batch_and_sees_what_is_written() {
    let db = living(MANY).await;
    for round in 1..=4 {
        let mut program = start(&db);
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
    assert_eq!(texts(&db, WRONG).await, ["0"]);
    let batches = texts(
        &db,
        "SELECT (count(*) >= 4 AND bool_and(first_id > previous))::text
         FROM (SELECT first_id, lag(last_id, 1, 0) OVER (ORDER BY first_id) AS previous FROM lectern.lesson_copy_batches) AS t",
    );
    assert_eq!(batches.await, ["true"], "no row is copied in two batches");
    let triggers = "SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'lectern_lesson%'";
    assert_eq!(texts(&db, triggers).await, [""; 0]);
    expect_sessions(&db).await;
    let (exit, _, messages) = migrate(&db, &["verify"]);
    assert_eq!(exit, Some(0), "{messages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_copy_can_be_undone() {
    let db = living(MANY).await;
    let before = super::objects(&db).await;
    let mut program = start(&db);
    wait_for_batches(&db, 1).await;
    program.kill().expect("killed");
    program.wait().expect("ended");
    assert!(undo(&db).await.was_applied);
    assert_eq!(super::super::adoption::difference(&before, &super::objects(&db).await), "");
    let left = "SELECT to_regclass('lectern.sessions')::text IS NULL AND NOT EXISTS (SELECT FROM lectern.lesson_copy)";
    assert_eq!(texts(&db, &format!("SELECT ({left})::text")).await, ["true"]);
}
