//! What becomes of rows, in each state of February 2026, there and back.

use serde_json::{Value, json};

use super::super::adoption::round_trip::other_shape;
use super::super::adoption::{STATES, difference, in_parallel};
use super::{NAME, adopt, hostile, migrate, objects, rows, step, text};
use crate::fixtures::legacy::{LivingDb, Naming, Placement, State};

/// Applies the move, checks what it says of itself, and takes it back.
async fn there_and_back(state: State, placement: Placement, naming: Naming, arguments: &[&str]) -> LivingDb {
    let context = format!("{state:?} {placement:?} {naming:?}");
    let living = hostile(state, placement, naming).build().await;
    let pool = &living.db.pool;
    adopt(&living, arguments);
    let before = (objects(pool).await, rows(pool).await);
    let (_, plan, _) = migrate(&living, &["plan"]);
    assert_eq!(step(&plan)["state"], "pending", "{context} {plan:#}");
    assert!(
        step(&plan)["notes"].to_string().contains("2026-02-13"),
        "{context}: the programs that still work: {plan:#}"
    );
    let (exit, applied, messages) = migrate(&living, &[]);
    assert_eq!((exit, &applied["pending"]), (Some(4), &json!(0)), "{context} {messages}");
    let receipt = &applied["receipt"];
    assert_eq!(receipt["ok"], true, "{context} {receipt:#}");
    let tables = receipt["tables"].as_array().expect("tables");
    assert!(!tables.is_empty() && tables.iter().all(|table| table["same_content"] == true), "{context} {tables:#?}");
    assert_eq!(other_shape(pool).await, "", "{context}");
    let (exit, verified, messages) = migrate(&living, &["verify"]);
    assert_eq!(exit, Some(0), "{context} {messages}\n{verified:#}");
    let left = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns
                WHERE table_schema IN ('adm', 'acted') AND (table_name, column_name) IN (
                    ('locations', 'name'), ('venues', 'name'), ('instructors', 'email'), ('course_templates', 'code'),
                    ('tutorial_events', 'venue'), ('tutorial_events', 'instructor_id'), ('tutorial_sessions', 'venue'),
                    ('tutorial_sessions', 'location'), ('tutorial_sessions', 'instructor_id'),
                    ('tutorial_events', 'exam_session_subject_product_variation_id'),
                    ('tutorial_event_instructors', 'id'))";
    assert_eq!(text(pool, left).await, "", "{context}");
    let moved = (objects(pool).await, rows(pool).await);
    let (exit, again, messages) = migrate(&living, &[]);
    assert_eq!((exit, &again["receipt"]), (Some(0), &Value::Null), "{context} {messages}");
    assert_eq!(
        (difference(&moved.0, &objects(pool).await), rows(pool).await),
        (String::new(), moved.1),
        "{context}: twice"
    );
    let (exit, undone, messages) = migrate(&living, &["undo", NAME]);
    assert_eq!(exit, Some(0), "{context} {messages}\n{undone:#}");
    assert_eq!(difference(&before.0, &objects(pool).await), "", "{context}: objects");
    for (table, found) in rows(pool).await {
        assert_eq!(before.1.get(&table), Some(&found), "{context}: {table}");
    }
    assert_eq!(text(pool, "SELECT count(*)::text FROM lectern.archive").await, "0", "{context}");
    assert_eq!(text(pool, "SELECT count(*)::text FROM lectern.event_staff").await, "0", "{context}");
    let (exit, _, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{context} {messages}");
    living
}

fn problems(document: &Value) -> String {
    let problems = document["problems"].as_array().expect("problems").iter();
    problems.map(|problem| format!("{}\n", problem.as_str().expect("a text"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_each_state_become_references_and_come_back() {
    let placements = [Placement::Adm, Placement::Dotted, Placement::Mixed, Placement::Public, Placement::Adm];
    let namings = [Naming::Django, Naming::Plain, Naming::Living, Naming::Django, Naming::Plain];
    in_parallel(
        STATES.into_iter().zip(placements.into_iter().zip(namings)).collect(),
        async |(state, (place, naming))| {
            let arguments: &[&str] = if state == State::February4 { &["--compat-views"] } else { &[] };
            let living = there_and_back(state, place, naming, arguments).await;
            let pool = &living.db.pool;
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
        },
    );
}

fn assert_reported(problems: &str) {
    for part in [
        "acted.tutorial_events: venue \"Unknown\" of 1 row (2): no venue has this name",
        "acted.tutorial_sessions: location \"Nowhere at all\" of 6 rows (4, 5, 6, 7, 8, 9): no location has this name",
        "adm.course_templates: row 6 has the code \"OC_3_UK\" of another row",
        "\"CB1_f2f_3\", \"cb1_F2F_3\", \" CB1_f2f_3\" differ only in case or spaces",
        "adm.course_templates: rows 5 have no code",
        "adm.venues: rows 5 have no name",
        "adm.instructors: rows 6 have neither name nor e-mail",
        "adm.instructors: row 2 (Tom Teacher 1) and several users or rows",
    ] {
        assert!(problems.contains(part), "{part}\n{problems}");
    }
    assert!(!problems.contains("TBC"), "{problems}");
}

async fn assert_people(pool: &sqlx::PgPool, applied: &Value) {
    // Everybody stays a person of their own; only Ann was known, by her e-mail.
    let people = "SELECT string_agg(concat_ws(' ', a.id, u.id <= 6, u.username, u.is_active, u.password LIKE '!%'), ', ' ORDER BY a.id)
                  FROM adm.instructors AS a JOIN acted.tutorial_instructors AS i ON i.id = a.tutorial_instructor_id
                  JOIN acted.staff AS s ON s.id = i.staff_id JOIN public.auth_user AS u ON u.id = s.user_id";
    assert_eq!(
        text(pool, people).await,
        "1 t ann@example.org t f, 2 f adm_tom_teacher1 f t, 3 f adm_tom_teacher1_2 f t, 4 f adm_nora_newcomer f t, \
         5 f adm_nora_newcomer_2 f t, 7 f adm_info f t"
    );
    let changes = applied["receipt"]["steps"].to_string();
    assert!(changes.contains("adm_nora_newcomer_2"), "the receipt names the users: {changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_guessed_and_nothing_is_dropped() {
    let living = hostile(State::February4, Placement::Adm, Naming::Plain).build().await;
    let pool = &living.db.pool;
    let stored = |columns: &str, table: &str| {
        format!("SELECT string_agg(concat_ws('|', id, {columns}), E'\\n' ORDER BY id) FROM {table}")
    };
    let texts = [
        ("adm.venues", "name"),
        ("adm.locations", "code"),
        ("adm.instructors", "email"),
        ("adm.course_templates", "active"),
        ("acted.tutorial_sessions", "location"),
        ("acted.tutorial_events", "venue"),
    ];
    let mut before = Vec::new();
    for (table, column) in texts {
        before.push(text(pool, &stored(&format!("to_jsonb({column})"), table)).await);
    }
    let (exit, applied, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{messages}");
    for ((table, column), before) in texts.into_iter().zip(before) {
        let archived = format!(
            "SELECT string_agg(concat_ws('|', t.id, a.value), E'\\n' ORDER BY t.id) FROM {table} AS t
             LEFT JOIN lectern.archive AS a ON a.step = '{NAME}' AND a.source = '{table}' AND a.field = '{column}' AND a.source_id = t.id"
        );
        assert_eq!(text(pool, &archived).await, before, "{table}.{column}");
    }
    assert_reported(&problems(&applied["receipt"]));
    assert_people(pool, &applied).await;
    let venues = "SELECT string_agg(concat_ws('|', a.id, v.name, v.description, v.location_id), ', ' ORDER BY a.id)
                  FROM adm.venues AS a JOIN acted.tutorial_venues AS v ON v.id = a.tutorial_venue_id";
    assert_eq!(
        text(pool, venues).await,
        "1|King's Cross, room 1||1, 2|Room 1||2, 3|Room 1||3, 4|  room   1 |second floor|1, 6|Only Hall||1"
    );
    let events = "SELECT string_agg(concat_ws(' ', id, venue_id, location_id, product_id), ', ' ORDER BY id) FROM acted.tutorial_events";
    assert_eq!(text(pool, events).await, "1 1 1 2, 2 1 3, 3 4 1 4", "the venue of the event's own location");
    // An archive that lost a value is no archive.
    living
        .execute("DELETE FROM lectern.archive WHERE source = 'adm.venues' AND field = 'name' AND source_id = 5")
        .await;
    let (exit, verified, _) = migrate(&living, &["verify"]);
    let failed: Vec<&Value> =
        verified["checks"].as_array().expect("checks").iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(
        (exit, failed.len(), &failed[0]["name"]),
        (Some(1), 1, &json!("archive: adm.venues.name")),
        "{failed:?}"
    );
}
