//! What becomes of the rows.

use serde_json::json;

use super::{CONTENT, LessonOptions, apply, expect_sessions, migrate, objects, offline, step, undo};
use crate::fixtures::lessons::{ODD, SEED, execute, living, texts};

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_reported_case_is_carried_over_and_brought_back() {
    let db = living(SEED).await;
    let (before, content) = (objects(&db).await, texts(&db, &CONTENT.replace("{table}", "tutor_sessions")).await);
    let (exit, plan, messages) = migrate(&db, &["plan"]);
    assert_eq!((exit, &step(&plan)["state"]), (Some(0), &json!("pending")), "{messages}");
    assert_eq!(step(&plan)["tables"][0]["rows"], 25, "{plan:#}");
    for arguments in [&["apply"][..], &["apply", "--offline"]] {
        let (exit, document, messages) = migrate(&db, arguments);
        assert_eq!((exit, &step(&document)["state"]), (Some(0), &json!("done")), "{messages}\n{document:#}");
        let receipt = &document["receipt"];
        assert_eq!(receipt["ok"], true, "{receipt:#}");
        let tables = receipt["tables"].as_array().expect("tables");
        assert_eq!(tables.len(), 2, "{receipt:#}");
        for table in tables {
            assert_eq!((&table["before"]["rows"], &table["after"]["rows"]), (&json!(25), &json!(25)), "{table:#}");
            assert_eq!(table["before"]["hash"], table["after"]["hash"], "{table:#}");
        }
        let problems = receipt["problems"].to_string();
        for named in ["amount", "lessons_of_today", "recurring_pattern", "have no enrolment"] {
            assert!(problems.contains(named), "{named}: {problems}");
        }
        expect_sessions(&db).await;
        let now = CONTENT.replace("{table}", "lectern.tutor_sessions_archive");
        assert_eq!(texts(&db, &now).await, content);
        let keys = texts(
            &db,
            "SELECT pg_get_constraintdef(oid) || convalidated FROM pg_constraint WHERE confrelid = 'sessions'::regclass ORDER BY 1",
        );
        assert_eq!(
            keys.await,
            [
                "FOREIGN KEY (related_session_id) REFERENCES sessions(id) ON DELETE SET NULLtrue",
                "FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERREDtrue"
            ]
        );
        let board =
            texts(&db, "SELECT indexname::text FROM pg_indexes WHERE tablename = 'whiteboard_sessions' ORDER BY 1");
        assert_eq!(board.await, ["idx_sessions_booking", "idx_whiteboard_sessions_status", "whiteboard_sessions_pkey"]);
        let (exit, verified, messages) = migrate(&db, &["verify"]);
        assert_eq!((exit, &verified["ok"]), (Some(0), &json!(true)), "{messages}");
        let (exit, again, _) = migrate(&db, &[]);
        assert_eq!((exit, again["receipt"].is_null()), (Some(0), true), "nothing is left to do");
        assert_eq!(undo(&db).await.problems, [""; 0]);
        assert_eq!(texts(&db, &CONTENT.replace("{table}", "tutor_sessions")).await, content);
        assert_eq!(super::super::adoption::difference(&before, &objects(&db).await), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_values_are_carried_over_by_rule() {
    for options in [offline(), LessonOptions::default()] {
        let db = living(&format!("{SEED}{ODD}")).await;
        apply(&db, options).await.expect("applied");
        let rows = texts(
            &db,
            "SELECT concat_ws(' ', id, coalesce(course_enrollment_id::text, '-'), topics, topics_covered, end_time, coalesce(duration::text, '-'),
                    session_mode, coalesce(length(location)::text, '-'), coalesce(student_review_id::text, '-'), status, session_frequency,
                    coalesce(replace(recurring_pattern::text, ' ', ''), '-'), alarm_before_minutes)
             FROM sessions WHERE id > 100 ORDER BY id",
        );
        assert_eq!(
            rows.await,
            [
                "101 1 [\"Physics\"] [\"a\"] 10:30:00 90 online 255 7 completed bi-weekly \
                 {\"days\":[\"Monday\"],\"months\":null,\"specific_dates\":[]} 0",
                "102 2 [] [\"x\"] 00:30:00 - in-person 4 - in-progress fortnightly - 15",
                "103 - [\"B\",\"B\"] [\"t\"] 11:00:00 60 online - - cancelled one-time - 5",
                "104 - [\"C\"] [] 11:00:00 60 online - - postponed weekly {\"days\":[\"Monday\"]} 5",
                "105 4 [\"D\"] [] 11:00:00 60 hybrid - - scheduled weekly - 5",
                "106 4 [\"D\"] [] 11:00:00 60 offline - - missed weekly - 5",
            ]
        );
        let archived = texts(
            &db,
            "SELECT concat_ws(' ', source_id, field, left(value::text, 30)) FROM lectern.archive
             WHERE step = 'lesson-sessions' AND source = 'public.tutor_sessions' AND source_id > 100
               AND field NOT IN ('enrollment_id', 'topics_covered', 'recurring_pattern') ORDER BY source_id, field",
        );
        assert_eq!(
            archived.await,
            [
                format!("101 location \"{}", "x".repeat(29)),
                "102 mode \"In Person\"".to_owned(),
                "102 status \"in_progress\"".to_owned(),
                "103 status \"cancelled because the student".to_owned(),
            ]
        );
        let series = texts(
            &db,
            "SELECT concat_ws(' ', frequency, occurrences) FROM lectern.lesson_series WHERE session_id = 104",
        );
        assert_eq!(series.await, ["weekly 12"]);
        let marked = texts(
            &db,
            "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE s.student_attendance_status = a.status), min(a.source))
             FROM lectern.lesson_attendance AS a JOIN sessions AS s ON s.id = a.session_id WHERE a.person = 'student'",
        );
        assert_eq!(marked.await, ["10 10 migrated"]);
        let unmarked = texts(&db, "SELECT count(*)::text FROM sessions WHERE student_attendance_status IS NULL");
        assert_eq!(unmarked.await, ["21"], "what was not known stays so");
        assert_eq!(texts(&db, "SELECT nextval('sessions_id_seq')::text").await, ["501"], "after the older sequence");
    }
}

/// Documents that look like usual ones, with what becomes of their topics and of their pattern.
const DOCUMENTS: [[&str; 4]; 13] = [
    [r#"{"a]b[c": ["x"]}"#, r#"["x"]"#, r#"{"days": ["a:b"], "months": null}"#, r#"{"days": ["a:b"], "months": null}"#],
    [r#"{"a": "[x]", "b": [1]}"#, "[1]", r#"{"days" : []}"#, r#"{"days" : []}"#],
    [r#"{"a": ["x]}"]}"#, r#"["x]}"]"#, r#"{"days": "Monday"}"#, "-"],
    [r#"{"a": [[1], {"b": [2]}]}"#, r#"[[1], {"b": [2]}]"#, r#"{"days": {"days": []}}"#, "-"],
    [r#"{"a": [1], "a": [2]}"#, "[]", r#"{"days": ["frequency"], "count": 3}"#, r#"{ "days" : ["frequency"] }"#],
    [r#"{"a": {"b": [1]}}"#, "[]", "{}", "{}"],
    [r#" { "a" : [ ] } "#, "[ ]", r#"{"days": [{"months": []}]}"#, r#"{"days": [{"months": []}]}"#],
    [r#"{"a": 1, "b": [2]}"#, "[2]", r#"["days"]"#, "-"],
    [r#"{"a": [], "b": 2}"#, "[]", r#"{"days": null, "days": "x"}"#, r#"{ "days" : null }"#],
    [r#"{"a": {}}"#, "[]", r#"{"days":"months","months":["\u0000"]}"#, "-"],
    ["{}", "[]", r#"{"days": 1e9999999}"#, "-"],
    [r#"{"a": ["]}", "b"]}"#, r#"["]}", "b"]"#, r#"{"days": true, "months":  [":"]}"#, r#"{ "months" : [":"] }"#],
    [
        r#"{"a": [{"b":1}]}"#,
        r#"[{"b":1}]"#,
        r#"{"specific_dates":["2026-01-01"],"months":[],"days":null}"#,
        r#"{"specific_dates":["2026-01-01"],"months":[],"days":null}"#,
    ],
];

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_by_their_parts_whatever_stands_in_their_texts() {
    let rows = DOCUMENTS.iter().enumerate().map(|(at, [covered, _, pattern, _])| {
        format!("({}, 1, 1, 'S', '2025-12-01', '10:00', '11:00', '{covered}', '{pattern}')", at + 1)
    });
    let db = living(&format!(
        "INSERT INTO tutor_sessions (id, tutor_id, student_id, subject, session_date, start_time, end_time, topics_covered,
             recurring_pattern) VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    ))
    .await;
    apply(&db, offline()).await.expect("applied");
    let now =
        "SELECT concat_ws(' | ', topics_covered, coalesce(recurring_pattern::text, '-')) FROM sessions ORDER BY id";
    let expected = DOCUMENTS.map(|[_, covered, _, pattern]| format!("{covered} | {pattern}"));
    assert_eq!(texts(&db, now).await, expected);
    let archived =
        "SELECT string_agg(source_id::text, ' ' ORDER BY source_id) FROM lectern.archive WHERE field = 'FIELD'";
    let archived = async |field: &str| texts(&db, &archived.replace("FIELD", field)).await.concat();
    assert_eq!(archived("topics_covered").await, "2 5 6 8 9 10 11");
    assert_eq!(archived("recurring_pattern").await, "3 4 5 8 9 10 11 12");
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolments_are_made_on_demand_and_removed_by_the_undo() {
    for options in [offline(), LessonOptions::default()] {
        let db = living(SEED).await;
        let before = objects(&db).await;
        if options.offline {
            // After the move, too.
            apply(&db, options.clone()).await.expect("applied");
        }
        apply(&db, LessonOptions { create_enrolments: true, ..options }).await.expect("applied");
        let lessons = texts(
            &db,
            "SELECT count(*)::text FROM sessions AS s JOIN enrolled_students AS e ON e.id = s.course_enrollment_id
             JOIN lectern.tutor_sessions_archive AS o ON o.id = s.id AND (o.tutor_id, o.student_id) = (e.tutor_id, e.student_id)",
        );
        assert_eq!(lessons.await, ["25"]);
        execute(&db, "INSERT INTO enrolled_students (tutor_id, student_id, package_id) VALUES (2, 2, 1)").await;
        assert_eq!(undo(&db).await.problems, [""; 0]);
        assert_eq!(texts(&db, "SELECT count(*)::text FROM enrolled_students").await, ["6"]);
        assert_eq!(super::super::adoption::difference(&before, &objects(&db).await), "");
    }
}
