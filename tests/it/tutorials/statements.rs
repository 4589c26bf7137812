//! The number of statements of a request does not grow with the page, nor with the sessions.

use serde_json::{Value, json};

use super::{Tutorials, session, with};
use crate::fixtures::statements::Statements;
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_rows() {
    let (log, _guard) = Statements::record();
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let event = |code: String, sessions: u8| {
        let sessions: Vec<Value> = (1..=sessions).map(|day| session("x", day, (9, 12))).collect();
        with(tutorials.event(&code), json!({ "sessions": sessions, "instructor_ids": [tutorials.provider.instructor] }))
    };
    let count = async |method: &str, path: &str, body: Value| {
        log.take();
        let (status, document) = tutorials.json(method, path, body).await;
        assert!(status < 300, "{method} {path}: {document}");
        log.take().into_iter().filter(|sql| sql.contains("tutorial_") || sql.contains("event_")).count()
    };
    let few = count("POST", "events", json!([event("A".into(), 1)])).await;
    let many: Value = (0..50).map(|n| event(format!("B{n}"), 12)).collect();
    assert_eq!(count("POST", "events", many).await, few, "{few}");
    // Three of them read the event for search.
    assert!(few <= 17, "{few}");
    for path in ["events?include=sessions", "events", "sessions", "events/1/sessions", "instructors", "venues"] {
        for size in [1, 50] {
            let separator = if path.contains('?') { '&' } else { '?' };
            // The list, and the event of a nested list.
            let expected = if path == "events/1/sessions" { 2 } else { 1 };
            let path = format!("{path}{separator}page_size={size}");
            assert_eq!(count("GET", &path, Value::Null).await, expected, "{path}");
        }
    }
    let ids = tutorials.ids("sessions?event=B1").await;
    let event = tutorials.get(&format!("sessions/{}", ids[0])).await.1["tutorial_event"].clone();
    let turned: Vec<i64> = ids.iter().rev().copied().collect();
    let ordered = count("PUT", &format!("events/{event}/sessions/order"), json!({ "ids": turned })).await;
    assert!(ordered <= 9, "{ordered}");
}
