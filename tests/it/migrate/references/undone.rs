//! Nothing is guessed, nothing is dropped, and an undo keeps what was written since.

use serde_json::{Value, json};

use super::{NAME, hostile, migrate, step, text};
use crate::fixtures::legacy::{LivingDb, Naming, Placement, State};

const SINCE: &str = "
    UPDATE acted.tutorial_events SET venue_id = 5 WHERE id = 2;
    UPDATE acted.tutorial_sessions SET venue_id = 3 WHERE id = 1;
    UPDATE acted.tutorial_sessions SET venue_id = NULL WHERE id = 3;
    UPDATE acted.tutorial_locations SET name = 'London City' WHERE id = 1;
    INSERT INTO acted.tutorial_events (code, start_date, end_date, product_id, venue_id, location_id)
    VALUES ('NEW-1', '2026-03-01', '2026-03-01', 1, 2, 2);
    INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence, venue_id)
    VALUES (1, 'new', '2026-03-01', '2026-03-01', 9, 4);
    INSERT INTO acted.tutorial_locations (name) VALUES ('Bath');
    INSERT INTO adm.locations (external_id, tutorial_location_id)
    SELECT 'NEW', max(id) FROM acted.tutorial_locations;
    DELETE FROM acted.tutorial_sessions WHERE id = 9;
    CREATE SCHEMA shop;
    CREATE TABLE shop.courses (template bigint REFERENCES acted.tutorial_course_templates DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO shop.courses SELECT max(id) FROM acted.tutorial_course_templates;
    UPDATE public.auth_user SET first_name = 'Norah' WHERE username = 'adm_nora_newcomer';
    UPDATE public.auth_user SET is_active = true WHERE username = 'adm_info';";

fn problems(document: &Value) -> String {
    let problems = document["problems"].as_array().expect("problems").iter();
    problems.map(|problem| format!("{}\n", problem.as_str().expect("a text"))).collect()
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

/// The plan names the texts that no place has as its name, as the receipt will, before anything is adopted.
fn assert_foreseen(step: &Value, messages: &str) {
    let foreseen = step["problems"].as_array().expect("problems");
    assert_eq!((&step["state"], foreseen.len()), (&json!("pending"), 3), "{foreseen:#?}");
    for part in [
        "acted.tutorial_events: venue \"Unknown\" of 1 row (2): no venue has this name",
        "acted.tutorial_sessions: venue \"Unknown\" of",
        "acted.tutorial_sessions: location \"Nowhere at all\" of 6 rows (4, 5, 6, 7, 8, 9): no location has this name",
    ] {
        assert!(messages.contains(part), "{part}\n{messages}");
    }
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

/// Applies the move: nothing is guessed, and nothing is dropped.
async fn apply(living: &LivingDb) {
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
    let (_, plan, messages) = migrate(living, &["plan"]);
    assert_foreseen(step(&plan), &messages);
    let (exit, applied, messages) = migrate(living, &[]);
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
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_without_one_meaning_and_rows_written_since_stay() {
    let living = hostile(State::February4, Placement::Adm, Naming::Django).build().await;
    let pool = &living.db.pool;
    apply(&living).await;
    living.execute(SINCE).await;
    let (exit, _, messages) = migrate(&living, &["undo", NAME]);
    assert_eq!(exit, Some(4), "{messages}");
    for part in [
        "acted.tutorial_venues: rows 2, 3, 4, 5 stay",
        "acted.tutorial_locations: rows 1, 2, 3 stay",
        "auth_user",
        "acted.tutorial_course_templates: rows ",
    ] {
        assert!(messages.contains(part), "{part}: {messages}");
    }
    for (sql, expected) in [
        (
            "SELECT string_agg(concat_ws('|', id, venue, venue_id, location_id, exam_session_subject_product_variation_id), ', ' ORDER BY id)
             FROM acted.tutorial_events",
            "1|King's Cross, room 1|2, 2|Only Hall|5|3, 3|Room 1|4, 4|Room 1|2|2|1",
        ),
        (
            "SELECT string_agg(concat_ws('|', id, venue, location, venue_id), ', ' ORDER BY id) FROM acted.tutorial_sessions
             WHERE id IN (1, 2, 3, 4, 10)",
            "1|Room 1|London City|3, 2|TBC|, 3||King's Cross, 4|only hall|Nowhere at all, 10|  room   1 |4",
        ),
        (
            "SELECT string_agg(concat_ws('|', id, name, code, active), ', ' ORDER BY id) FROM adm.locations",
            "1|London City|L1|t, 2|King's Cross||t, 3|Default Location|L3|t, 4|Bath||t",
        ),
        (
            "SELECT string_agg(concat_ws('|', id, first_name, email), ', ' ORDER BY id) FROM adm.instructors WHERE id > 3",
            "4|Norah|nora@example.org, 5|Nora, 6|, 7||info@example.org",
        ),
        ("SELECT count(*)::text FROM acted.tutorial_instructors", "0"),
    ] {
        assert_eq!(text(pool, sql).await, expected, "{sql}");
    }
    // The move goes on from there, and no place is there twice.
    let (exit, _, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{messages}");
    let (exit, _, messages) = migrate(&living, &["verify"]);
    assert_eq!(exit, Some(0), "{messages}");
    let places = "SELECT string_agg(name, ', ' ORDER BY id) FROM acted.tutorial_locations";
    assert_eq!(text(pool, places).await, "London City, King's Cross, Default Location, Bath");
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
