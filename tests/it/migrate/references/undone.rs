//! An undo keeps what was written since.

use super::{NAME, hostile, migrate, text};
use crate::fixtures::legacy::{Naming, Placement, State};

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
    UPDATE public.auth_user SET first_name = 'Norah' WHERE username = 'adm_nora_newcomer';
    UPDATE public.auth_user SET is_active = true WHERE username = 'adm_info';";

#[tokio::test(flavor = "multi_thread")]
async fn rows_written_since_the_move_stay_with_their_values() {
    let living = hostile(State::February4, Placement::Adm, Naming::Django).build().await;
    let pool = &living.db.pool;
    let (exit, _, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{messages}");
    living.execute(SINCE).await;
    let (exit, _, messages) = migrate(&living, &["undo", NAME]);
    assert_eq!(exit, Some(4), "{messages}");
    for part in
        ["acted.tutorial_venues: rows 2, 3, 4, 5 stay", "acted.tutorial_locations: rows 1, 2, 3 stay", "auth_user"]
    {
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
}
