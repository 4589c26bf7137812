//! What becomes of rows, in each state of February 2026, there and back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::adoption::round_trip::other_shape;
use super::super::adoption::{STATES, difference, in_parallel};
use super::{NAME, adopt, hostile, migrate, objects, rows, step, text};
use crate::fixtures::legacy::{LivingDb, Naming, Placement, State};

type Found = (Vec<String>, BTreeMap<String, String>);

/// Applies the move, and checks what it says of itself. Returns what was there before.
async fn there(living: &LivingDb, context: &str, arguments: &[&str]) -> Found {
    let pool = &living.db.pool;
    adopt(living, arguments);
    let before = (objects(pool).await, rows(pool).await);
    let (exit, applied, messages) = migrate(living, &[]);
    assert_eq!((exit, &applied["pending"]), (Some(4), &json!(0)), "{context} {messages}");
    let receipt = &applied["receipt"];
    assert_eq!(receipt["ok"], true, "{context} {receipt:#}");
    let tables = receipt["tables"].as_array().expect("tables");
    assert!(!tables.is_empty() && tables.iter().all(|table| table["same_content"] == true), "{context} {tables:#?}");
    assert_eq!(other_shape(pool).await, "", "{context}");
    let (exit, verified, messages) = migrate(living, &["verify"]);
    assert_eq!(exit, Some(0), "{context} {messages}\n{verified:#}");
    let left = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns
                WHERE table_schema IN ('adm', 'acted') AND (table_name, column_name) IN (
                    ('locations', 'name'), ('venues', 'name'), ('instructors', 'email'), ('course_templates', 'code'),
                    ('tutorial_events', 'venue'), ('tutorial_events', 'instructor_id'), ('tutorial_sessions', 'venue'),
                    ('tutorial_sessions', 'location'), ('tutorial_sessions', 'instructor_id'),
                    ('tutorial_events', 'exam_session_subject_product_variation_id'),
                    ('tutorial_event_instructors', 'id'))";
    assert_eq!(text(pool, left).await, "", "{context}");
    before
}

/// A second application finds nothing to do.
async fn there_again(living: &LivingDb, context: &str) {
    let pool = &living.db.pool;
    let moved = (objects(pool).await, rows(pool).await);
    let (exit, again, messages) = migrate(living, &[]);
    assert_eq!((exit, &again["receipt"]), (Some(0), &Value::Null), "{context} {messages}");
    let found = (difference(&moved.0, &objects(pool).await), rows(pool).await);
    assert_eq!(found, (String::new(), moved.1), "{context}: twice");
}

/// Takes the move back: everything is as it was.
async fn back(living: &LivingDb, context: &str, before: Found) {
    let pool = &living.db.pool;
    let (exit, undone, messages) = migrate(living, &["undo", NAME]);
    assert_eq!(exit, Some(0), "{context} {messages}\n{undone:#}");
    assert_eq!(difference(&before.0, &objects(pool).await), "", "{context}: objects");
    for (table, found) in rows(pool).await {
        assert_eq!(before.1.get(&table), Some(&found), "{context}: {table}");
    }
    assert_eq!(text(pool, "SELECT count(*)::text FROM lectern.archive").await, "0", "{context}");
    assert_eq!(text(pool, "SELECT count(*)::text FROM lectern.event_staff").await, "0", "{context}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_each_state_become_references_and_come_back() {
    let placements = [Placement::Adm, Placement::Dotted, Placement::Mixed, Placement::Public, Placement::Adm];
    let namings = [Naming::Django, Naming::Plain, Naming::Living, Naming::Django, Naming::Plain];
    in_parallel(
        STATES.into_iter().zip(placements.into_iter().zip(namings)).collect(),
        async |(state, (place, naming))| {
            let arguments: &[&str] = if state == State::February4 { &["--compat-views"] } else { &[] };
            let context = format!("{state:?} {place:?} {naming:?}");
            let living = hostile(state, place, naming).build().await;
            let pool = &living.db.pool;
            let before = there(&living, &context, arguments).await;
            if state == State::February4 {
                there_again(&living, &context).await;
            }
            let sessions = "SELECT string_agg(concat_ws(' ', s.id, coalesce(v.name || '@' || w.name, v.name, '-'), coalesce(l.name, '-')),
                                          '; ' ORDER BY s.id)
                        FROM acted.tutorial_sessions AS s LEFT JOIN acted.tutorial_venues AS v ON v.id = s.venue_id
                        LEFT JOIN acted.tutorial_locations AS w ON w.id = v.location_id
                        LEFT JOIN acted.tutorial_locations AS l ON l.id = s.location_id WHERE s.id IN (1, 2, 3, 4, 6)";
            let expected = match state {
                State::February4 => {
                    "1   room   1 @London London; 2 - -; 3 Room 1@King's Cross King's Cross; 4 Only Hall@London -; 6   room   1 @London -"
                }
                State::February6 => {
                    "1 King's Cross, room 1@London London; 2 - London; 3 Room 1@Default Location London; \
                 4 King's Cross, room 1@London -; 6 Room 1@Default Location -"
                }
                _ => {
                    "1 - London; 2 - -; 3 King's Cross, room 1@London London; 4 - -; 6  ROOM  1@King's Cross King's Cross"
                }
            };
            assert_eq!(text(pool, sessions).await, expected, "{state:?}");
            let staff = "SELECT string_agg(concat_ws(' ', tutorial_event_id, tutorial_instructor_id), ', ') FROM lectern.event_staff";
            let expected = if [State::February6, State::February10].contains(&state) { "2 3" } else { "" };
            assert_eq!(text(pool, staff).await, expected, "{state:?}: instructors of events");
            back(&living, &context, before).await;
            let (_, plan, _) = migrate(&living, &["plan"]);
            assert_eq!(step(&plan)["state"], "pending", "{context} {plan:#}");
            assert!(step(&plan)["notes"].to_string().contains("2026-02-13"), "{context}: programs that work: {plan:#}");
        },
    );
}
