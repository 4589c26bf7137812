//! Every route of lessons with every role: who may do what.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutoring, lesson};

/// A route: method, path with `{id}`, body, and what each caller gets. The callers are admin, operator, reader; the tutor, the
/// student and a parent of the lesson; another tutor, student and parent; a caller without a token.
type Row = (&'static str, &'static str, Option<Value>, [u16; 10]);

const SEEN: [u16; 10] = [200, 200, 200, 200, 200, 200, 404, 404, 404, 401];
const CHANGED: [u16; 10] = [200, 200, 403, 200, 403, 403, 404, 404, 404, 401];
const DELETED: [u16; 10] = [204, 204, 403, 204, 403, 403, 404, 404, 404, 401];
const ALL: [u16; 10] = [200, 200, 200, 200, 200, 200, 200, 200, 200, 401];
const STAFF: [u16; 10] = [200, 200, 200, 403, 403, 403, 403, 403, 403, 401];

fn rows(tutoring: &Tutoring) -> Vec<Row> {
    let student_review = [200, 200, 403, 200, 200, 403, 404, 404, 404, 401];
    let parent_review = [200, 200, 403, 200, 403, 200, 404, 404, 404, 401];
    let own = lesson(tutoring.enrolments[0], json!({}));
    let attendance = json!({ "student_attendance_status": "present" });
    vec![
        ("GET", "sessions", None, ALL),
        ("POST", "sessions", Some(own.clone()), [201, 201, 403, 201, 403, 403, 404, 403, 403, 401]),
        ("GET", "sessions/{id}", None, SEEN),
        ("PUT", "sessions/{id}", Some(lesson(tutoring.enrolments[0], json!({ "topics": ["x"] }))), CHANGED),
        ("PATCH", "sessions/{id}", Some(json!({ "topics": ["y"] })), CHANGED),
        ("PATCH", "sessions/{id}", Some(json!({ "student_review_id": 5 })), student_review),
        ("PATCH", "sessions/{id}", Some(json!({ "parent_review_id": 5 })), parent_review),
        ("PATCH", "sessions/{id}?occurrence=2026-04-14", Some(json!({ "location": "z" })), CHANGED),
        ("PATCH", "sessions/{id}?scope=following&occurrence=2026-04-14", Some(json!({ "location": "z" })), CHANGED),
        ("PATCH", "sessions/{id}?scope=all", Some(json!({ "location": "z" })), CHANGED),
        ("DELETE", "sessions/{id}?occurrence=2026-04-14", None, DELETED),
        ("DELETE", "sessions/{id}?scope=following&occurrence=2026-04-14", None, DELETED),
        ("DELETE", "sessions/{id}", None, DELETED),
        ("GET", "sessions/{id}/occurrences", None, SEEN),
        ("POST", "sessions/{id}/materialise", Some(json!({ "until": "2026-04-21" })), CHANGED),
        ("POST", "sessions/{id}/attendance", Some(attendance.clone()), CHANGED),
        ("PUT", "sessions/{id}/attendance", Some(attendance), CHANGED),
        ("GET", "sessions/{id}/attendance", None, SEEN),
        ("GET", "sessions/{id}/attendance-suggestion", None, SEEN),
        ("PATCH", "sessions/{id}/toggle-notification", Some(json!({ "notification_enabled": true })), CHANGED),
        ("PATCH", "sessions/{id}/toggle-alarm", Some(json!({ "alarm_enabled": true })), CHANGED),
        ("PATCH", "sessions/{id}/toggle-featured", Some(json!({ "is_featured": true })), CHANGED),
        ("GET", "sessions/stats", None, ALL),
        ("GET", "sessions/stats/summary", None, ALL),
        ("GET", "sessions/counts", None, ALL),
        ("GET", "sessions/alarms", None, ALL),
        ("GET", "sessions/dashboard-stats", None, [403, 403, 403, 200, 200, 200, 200, 200, 200, 401]),
        ("GET", "holidays", None, STAFF),
        ("GET", "people/tutors", None, STAFF),
        ("GET", "people/students", None, STAFF),
        ("GET", "people/parents", None, STAFF),
        ("GET", "enrolments", None, STAFF),
        ("POST", "enrolments", Some(json!({})), [400, 400, 403, 403, 403, 403, 403, 403, 403, 401]),
    ]
}

#[tokio::test]
async fn every_route_answers_every_role_as_it_may() {
    let tutoring = Tutoring::new().await;
    let other = json!({ "first_name": "Gil", "children_ids": [tutoring.students[1]] });
    let other_parent = tutoring.create("people/parents", other).await;
    let mut tokens = Vec::new();
    for (role, subject) in [
        (Role::Admin, 0),
        (Role::Operator, 0),
        (Role::Reader, 0),
        (Role::Tutor, tutoring.tutors[0]),
        (Role::Student, tutoring.students[0]),
        (Role::Parent, tutoring.parent),
        (Role::Tutor, tutoring.tutors[1]),
        (Role::Student, tutoring.students[1]),
        (Role::Parent, other_parent),
    ] {
        tokens.push(tutoring.token_of(role, subject).await);
    }
    tokens.push("nobody".to_owned());
    let (mut wrong, mut table) = (
        Vec::new(),
        String::from(
            "| route | admin | operator | reader | tutor | student | parent | other tutor | other student | other parent | none |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        ),
    );
    for (method, path, body, expected) in rows(&tutoring) {
        let mut found = Vec::new();
        for token in &tokens {
            let weekly = json!({ "session_frequency": "weekly", "recurrence": { "count": 4 } });
            let id = if path.contains("{id}") { tutoring.lesson(tutoring.enrolments[0], weekly).await } else { 0 };
            found.push(tutoring.send(token, method, &path.replace("{id}", &id.to_string()), body.as_ref()).await.0);
        }
        let field =
            body.as_ref().filter(|_| method == "PATCH").and_then(|body| body.as_object()?.keys().next().cloned());
        let words: Vec<String> = found.iter().map(u16::to_string).collect();
        table += &format!("| {method} {path} {} | {} |\n", field.unwrap_or_default(), words.join(" | "));
        if found != expected {
            wrong.push(format!("{method} {path} {body:?}: expected {expected:?}, found {found:?}"));
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
