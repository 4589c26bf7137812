//! What was written since the move is in the older table after its undo.

use lectern::migrate::{LockWait, Options, apply_with};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{LessonOptions, apply, migrate, offline, undo};
use crate::fixtures::legacy::{Legacy, Naming, Placement, State, fingerprint, without_positions};
use crate::fixtures::lessons::{SEED, execute, living, statements_of_living, texts};
use crate::migrate::adoption::without_what_lectern_made;

const WRITTEN: &str = "
    UPDATE sessions SET status = 'completed', topics = '[\"A\",\"B\",\"C\"]', tutor_attendance_status = 'late' WHERE id = 2;
    UPDATE sessions SET course_enrollment_id = 1 WHERE id = 3;
    DELETE FROM sessions WHERE id = 10;
    INSERT INTO sessions (course_enrollment_id, topics, session_date, start_time, end_time, status, location,
                          tutor_attendance_status, student_attendance_status, priority_level)
    VALUES (5, '[\"N\"]', '2025-12-24', '10:00', '11:00', 'completed', 'Room', 'present', 'absent', 'urgent');
    INSERT INTO tutor_activities (related_session_id) SELECT max(id) FROM sessions;";

#[tokio::test(flavor = "multi_thread")]
async fn lessons_written_since_stay_after_the_undo() {
    for options in [offline(), LessonOptions::default()] {
        let db = living(SEED).await;
        execute(&db, "CREATE TABLE former AS SELECT id, t::text AS row FROM tutor_sessions AS t").await;
        apply(&db, options.clone()).await.expect("applied");
        execute(&db, WRITTEN).await;
        assert_eq!(undo(&db).await.problems, [""; 0]);
        let changed = texts(
            &db,
            "SELECT concat_ws(' ', t.id, tutor_id, student_id, coalesce(enrollment_id::text, '-'), subject, coalesce(topic, '-'), status,
                    coalesce(tutor_attended::text, '-'), coalesce(student_attended::text, '-'), session_frequency, amount)
             FROM tutor_sessions AS t LEFT JOIN former AS k USING (id) WHERE k.row IS DISTINCT FROM t::text ORDER BY 1",
        );
        let numbers = texts(&db, "SELECT max(id)::text FROM tutor_sessions").await;
        assert_eq!(
            changed.await,
            [
                "2 85 3 - A B, C completed true - Bi-weekly 250.5".to_owned(),
                format!("{} 85 1 5 N - completed true false one-time", numbers[0]),
                "3 1 1 1 Mathematics Topic 3 in-progress - - Monthly 250.5".to_owned(),
            ]
        );
        let whole = texts(
            &db,
            "SELECT concat_ws(' ', source, source_id, value ->> 'priority_level') FROM lectern.archive WHERE field = '*' ORDER BY source_id",
        );
        assert_eq!(
            whole.await,
            [
                "public.sessions 2 medium".to_owned(),
                "public.sessions 3 medium".to_owned(),
                "public.tutor_sessions 10".to_owned(),
                format!("public.sessions {} urgent", numbers[0]),
            ]
        );
        let left = texts(
            &db,
            "SELECT concat_ws(' ', (SELECT count(*) FROM lectern.lesson_attendance), (SELECT count(*) FROM lectern.lesson_series),
                    (SELECT count(*) FROM tutor_sessions WHERE id = 10), to_regclass('sessions'),
                    nextval('tutor_sessions_id_seq') > (SELECT max(id) FROM tutor_sessions))",
        );
        assert_eq!(left.await, ["0 0 0 t"]);
        if options.offline {
            let output = db.program(&["sync", "all"]).output().expect("runs");
            assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        }
        apply(&db, options).await.expect("applied again");
        assert_eq!(texts(&db, "SELECT count(*)::text FROM sessions").await, ["25"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn view_on_sessions_stops_the_undo_before_anything_is_changed() {
    let db = living(SEED).await;
    apply(&db, offline()).await.expect("applied");
    execute(&db, "CREATE VIEW public.later AS SELECT id FROM sessions").await;
    let (exit, _, messages) = migrate(&db, &["undo", "lesson-sessions"]);
    assert_eq!(exit, Some(4), "{messages}");
    assert!(messages.contains("public.later"), "{messages}");
    assert_eq!(texts(&db, "SELECT count(*)::text FROM sessions").await, ["25"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn database_with_everything_is_given_back_in_any_order() {
    let legacy = Legacy::new(State::February13, Placement::Dotted, Naming::Living);
    let living = Legacy { more: statements_of_living(SEED), ..legacy }.build().await;
    let before = without_positions(fingerprint(&living.db.pool).await);
    let owner = PgPool::connect(&living.owner_url()).await.expect("connected");
    let stop = CancellationToken::new();
    // Each move is undone before and after each other one.
    for order in [
        ["lesson-sessions", "tutorial-references", "adopt", "adm-schema"],
        ["tutorial-references", "adm-schema", "adopt", "lesson-sessions"],
    ] {
        apply_with(&owner, &Options::default(), &stop, &|_| ()).await.expect("applied");
        let mut verify = living.db.program(&["migrate", "verify"]);
        let output = verify.env("DATABASE_URL", living.owner_url()).output().expect("runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        for name in order {
            let undone = lectern::migrate::undo(&owner, name, LockWait::default(), &stop, &|_| ()).await;
            assert!(undone.expect("undone").was_applied, "{order:?}: {name}");
        }
        let changed = without_what_lectern_made(&before, &without_positions(fingerprint(&living.db.pool).await));
        assert!(changed.is_empty(), "{order:?}\n{changed}");
    }
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_that_breaks_a_rule_of_the_older_table_is_refused_until_it_is_changed() {
    let db = living(SEED).await;
    let rules =
        "ALTER TABLE tutor_sessions ALTER id DROP DEFAULT, ALTER tutor_id SET NOT NULL, ENABLE ROW LEVEL SECURITY;
                 DROP SEQUENCE tutor_sessions_id_seq;
                 ALTER TABLE tutor_sessions ALTER id ADD GENERATED ALWAYS AS IDENTITY (RESTART WITH 100)";
    execute(&db, rules).await;
    let receipt = apply(&db, offline()).await.expect("applied").receipt.expect("a receipt");
    assert!(receipt["problems"].to_string().contains("row security"), "{receipt:#}");
    execute(&db, "INSERT INTO sessions (session_date, start_time, end_time) VALUES ('2025-12-24', '10:00', '11:00')")
        .await;
    let (exit, _, messages) = migrate(&db, &["undo", "lesson-sessions"]);
    assert_eq!(exit, Some(4), "{messages}");
    assert!(messages.contains("nothing was changed") && messages.contains("tutor_id is not null"), "{messages}");
    let hidden = "SELECT concat_ws(' ', (SELECT count(*) FROM sessions), relrowsecurity) FROM pg_class WHERE oid = 'sessions'::regclass";
    assert_eq!(texts(&db, hidden).await, ["26 t"]);
    execute(&db, "UPDATE sessions SET course_enrollment_id = 5 WHERE id = 100").await;
    assert_eq!(undo(&db).await.problems, [""; 0]);
    let numbers = "INSERT INTO tutor_sessions (tutor_id, subject, session_date, start_time)
                   VALUES (85, 'Maths', '2025-12-25', '10:00') RETURNING concat_ws(' ', id, (SELECT tutor_id FROM tutor_sessions WHERE id = 100))";
    assert_eq!(texts(&db, numbers).await, ["101 85"]);
}
