//! People, enrolments and lessons over HTTP, on a real database and a real socket.

mod checklist;
mod older;
mod oracle;
mod people;
mod planned;
mod plans;
mod references;
mod rights;
mod rules;
mod scope;
mod series;
mod table;

use lectern::identity::{self, NewToken, Role};
use serde_json::{Value, json};

use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

/// A server, an operator's token, and two tutors with a student each; the first student has a parent.
struct Tutoring {
    db: TestDb,
    site: Site,
    operator: String,
    tutors: [i64; 2],
    students: [i64; 2],
    parent: i64,
    /// The enrolment of each student with the tutor of the same place.
    enrolments: [i64; 2],
}

impl Tutoring {
    async fn new() -> Tutoring {
        let db = TestDb::new().await;
        let site = Site::serve(&db).await;
        let operator = token(&db, Role::Operator).await;
        let mut tutoring =
            Tutoring { db, site, operator, tutors: [0; 2], students: [0; 2], parent: 0, enrolments: [0; 2] };
        for (place, (tutor, student)) in [("Ada", "Ben"), ("Cleo", "Dan")].into_iter().enumerate() {
            tutoring.tutors[place] = tutoring.create("people/tutors", named(tutor)).await;
            tutoring.students[place] = tutoring.create("people/students", named(student)).await;
            let enrolment = json!({ "tutor_id": tutoring.tutors[place], "student_id": tutoring.students[place] });
            tutoring.enrolments[place] = tutoring.create("enrolments", enrolment).await;
        }
        let parent = json!({ "first_name": "Eve", "children_ids": [tutoring.students[0]] });
        tutoring.parent = tutoring.create("people/parents", parent).await;
        tutoring
    }

    /// Returns the token of a profile.
    async fn token_of(&self, role: Role, subject: i64) -> String {
        let subject_id = role.has_subject().then_some(subject);
        let new_token = NewToken { name: format!("{role:?} {subject}"), role, subject_id, days: None };
        let (_, secret) = identity::create(&self.db.pool, &new_token).await.expect("a token");
        secret.reveal().to_owned()
    }

    /// Sends a request with a token. `path` begins after `/api/`.
    async fn send(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.site.request(method, &format!("/api/{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Sends a request as the operator.
    async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.send(&self.operator, method, path, Some(&body)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(&self.operator, "GET", path, None).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(&self.operator, "DELETE", path, None).await
    }

    /// Creates a row as the operator and returns its id.
    async fn create(&self, path: &str, body: Value) -> i64 {
        let (status, document) = self.json("POST", path, body).await;
        assert_eq!(status, 201, "{path}: {document}");
        document["id"].as_i64().expect("an id")
    }

    /// Creates a lesson of an enrolment.
    async fn lesson(&self, enrolment: i64, more: Value) -> i64 {
        self.create("sessions", lesson(enrolment, more)).await
    }
}

fn named(first_name: &str) -> Value {
    json!({ "first_name": first_name })
}

/// Returns a body: a lesson of an hour on 7 April 2026, a Tuesday, with further members.
fn lesson(enrolment: i64, more: Value) -> Value {
    let mut body = json!({
        "course_enrollment_id": enrolment, "session_date": "2026-04-07", "start_time": "17:00", "end_time": "18:00",
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

/// Returns the pointers of a problem.
fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}
