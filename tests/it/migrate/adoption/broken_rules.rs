//! Rows that break a rule: named, they block nothing else, and the rule is created when they are corrected.

use serde_json::{Value, json};

use super::{migrate, migrate_with};
use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State};

/// Drops the foreign key or unique rule of a column, whatever it is called.
fn without_rule(table: &str, column: &str, kind: char) -> String {
    format!(
        "DO $$ DECLARE k name; BEGIN
             FOR k IN SELECT c.conname FROM pg_constraint AS c JOIN pg_attribute AS a
                      ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
                      WHERE c.conrelid = '{table}'::regclass AND a.attname = '{column}' AND c.contype = '{kind}'
             LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', k); END LOOP;
         END $$;\n"
    )
}

/// Breaks a unique rule that Django has not, one that was lost, a check and a foreign key.
async fn broken(naming: Naming) -> LivingDb {
    let mut legacy = Legacy::new(State::February13, Placement::Dotted, naming);
    legacy.more = [
        without_rule("adm.sessions", "day_number", 'u'),
        without_rule("adm.venues", "location_id", 'f'),
        "UPDATE adm.events SET tutorial_event_id = 1 WHERE id IN (1, 2);
         UPDATE adm.sessions SET day_number = 1 WHERE event_id = 3;
         UPDATE acted.tutorial_sessions SET end_date = start_date - interval '1 hour' WHERE id = 2;
         UPDATE adm.venues SET location_id = 'NOWHERE' WHERE id = 3;"
            .to_owned(),
    ]
    .concat();
    legacy.build().await
}

const CORRECTION: &str = "UPDATE adm.events SET tutorial_event_id = NULL WHERE id = 2;
    UPDATE adm.sessions SET day_number = 2 WHERE id = (SELECT max(id) FROM adm.sessions WHERE event_id = 3);
    UPDATE acted.tutorial_sessions SET end_date = start_date WHERE id = 2;
    UPDATE adm.venues SET location_id = NULL WHERE id = 3;";

/// What the problem names: table, rule, value and ids.
const EXPECTED: [&[&str]; 4] = [
    &["adm.events: rows 1, 2 have", "tutorial_event_id (1)", "adm_events_tutorial_event_unique"],
    &["adm.sessions: rows ", "day_number (3, 1)", "sessions_event_id_day_number_key"],
    &["acted.tutorial_sessions: rows 2 break", "start_date <= end_date", "tutorial_sessions_date_valid"],
    &["rows 3 have location_id NOWHERE", "adm.locations does not contain", "venues_location_id_fkey"],
];

fn assert_named(text: &str, context: &str) {
    for parts in EXPECTED {
        let is_named = text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(is_named, "{context}: {parts:?}\n{text}");
    }
}

fn problems(document: &Value) -> String {
    let steps = document["steps"].as_array().into_iter().flatten();
    let problems = steps.flat_map(|step| step["problems"].as_array().into_iter().flatten());
    problems.map(|problem| format!("{}\n", problem.as_str().expect("a text"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_break_a_rule_block_only_the_rule() {
    for naming in [Naming::Living, Naming::Plain] {
        let living = broken(naming).await;
        let (_, plan, messages) = migrate(&living, &["plan"]);
        assert_named(&problems(&plan), "plan");
        assert_named(&messages, "plan");
        for time in ["first", "second"] {
            let (exit, applied, messages) = migrate(&living, &[]);
            assert_eq!((exit, &applied["pending"]), (Some(4), &json!(0)), "{time} {messages}\n{applied:#}");
            assert!(applied["steps"].as_array().expect("steps").iter().all(|step| step["state"] != "pending"));
            assert_named(&problems(&applied), time);
            assert_named(&messages, time);
        }
        let (exit, verified, messages) = migrate(&living, &["verify"]);
        assert_eq!((exit, &verified["ok"]), (Some(1), &json!(false)), "{messages}");
        assert_named(&messages, "verify");
        // Another value of that kind is still possible, and nothing else is.
        living.execute("UPDATE adm.events SET tutorial_event_id = 1 WHERE id = 3").await;
        living.execute("UPDATE adm.events SET tutorial_event_id = NULL WHERE id = 3").await;
        living.execute(CORRECTION).await;
        let (exit, applied, messages) = migrate(&living, &[]);
        assert_eq!((exit, problems(&applied)), (Some(0), String::new()), "{messages}\n{applied:#}");
        let (exit, _, messages) = migrate(&living, &["verify"]);
        assert_eq!(exit, Some(0), "{messages}");
        for refused in [
            "UPDATE adm.events SET tutorial_event_id = 1 WHERE id = 2",
            "UPDATE adm.sessions SET day_number = 1 WHERE event_id = 3",
            "UPDATE acted.tutorial_sessions SET end_date = start_date - interval '1 hour' WHERE id = 2",
            "UPDATE adm.venues SET location_id = 'NOWHERE' WHERE id = 3",
        ] {
            let done = sqlx::raw_sql(refused).execute(&living.db.pool).await;
            assert!(done.is_err(), "{naming:?}: {refused}");
        }
        for name in ["adopt", "adm-schema"] {
            let (exit, _, messages) = migrate_with(&living, &["undo", name], &[]);
            assert_eq!(exit, Some(0), "{messages}");
        }
    }
}
