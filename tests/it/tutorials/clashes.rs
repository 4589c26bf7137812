//! Clashes of venues and instructors, also of requests at the same instant.

use serde_json::{Value, json};

use super::{Tutorials, session, with};
use crate::fixtures::test_db::TestDb;

/// Returns kind, title of the other session and name of each clash.
fn clashes(problem: &Value) -> Vec<(&str, &str, &str)> {
    let found = problem["clashes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = found.iter().map(|clash| {
        let text = |name: &str| clash[name].as_str().unwrap_or_default();
        (text("kind"), text("title"), text("name"))
    });
    found.collect()
}

#[tokio::test]
async fn second_booking_of_venue_or_instructor_is_refused() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let provider = tutorials.provider;
    let event =
        async |code: &str, fields: Value| tutorials.create_id("events", with(tutorials.event(code), fields)).await;
    let place = json!({ "venue_id": provider.venue, "location_id": provider.location });
    let taught = json!({ "instructor_ids": [provider.instructor] });
    let first = event("CM2-01", place.clone()).await;
    let (one, two) = (format!("events/{first}/sessions"), event("CM2-02", json!({})).await);
    let two = format!("events/{two}/sessions");
    let known = tutorials.create(&one, with(session("First", 1, (9, 12)), taught.clone())).await;
    let refused = async |path: &str, method: &str, body: Value| {
        let (status, problem) = tutorials.json(method, path, body).await;
        assert_eq!(status, 409, "{problem}");
        problem
    };
    let venue = ("venue", "First", "Quill House");
    let instructor = ("instructor", "First", "Ada Marlow");
    // The venue of the event, the venue of the session, the instructor, and all of them.
    let problem = refused(&one, "POST", session("x", 1, (11, 13))).await;
    assert_eq!(clashes(&problem), [venue]);
    let clash = &problem["clashes"][0];
    assert_eq!((&clash["session_id"], &clash["event"]), (&known["id"], &json!("CM2-01")));
    assert_eq!((&clash["start_date"], &clash["end_date"]), (&known["start_date"], &known["end_date"]));
    assert_eq!(clashes(&refused(&two, "POST", with(session("x", 1, (8, 18)), place.clone())).await), [venue]);
    assert_eq!(clashes(&refused(&two, "POST", with(session("x", 1, (10, 11)), taught.clone())).await), [instructor]);
    let both = with(with(session("x", 1, (8, 10)), place.clone()), taught.clone());
    assert_eq!(clashes(&refused(&two, "POST", both.clone()).await), [instructor, venue]);
    let list = json!([session("free", 9, (9, 10)), both]);
    let problem = refused(&two, "POST", list).await;
    assert_eq!(problem["clashes"][0]["pointer"], "/1");
    assert_eq!(tutorials.get(&two).await.1["count"], 0, "all or none");

    // Touching ends, another day, another venue, no venue.
    for free in [
        with(session("Before", 1, (8, 9)), place.clone()),
        with(session("After", 1, (12, 13)), with(place.clone(), taught.clone())),
        with(session("Next day", 2, (9, 12)), place.clone()),
        session("Elsewhere", 1, (9, 12)),
    ] {
        tutorials.create(&two, free).await;
    }
    // Two new sessions that clash with each other.
    let pair = json!([with(session("P", 20, (9, 12)), place.clone()), with(session("Q", 20, (11, 12)), place.clone())]);
    let problem = refused(&two, "POST", pair).await;
    assert_eq!(
        (clashes(&problem), &problem["clashes"][0]["session_id"]),
        (vec![("venue", "P", "Quill House")], &Value::Null)
    );
    let nested =
        with(tutorials.event("CM2-03"), json!({ "sessions": [with(session("x", 1, (9, 12)), taught.clone())] }));
    assert_eq!(clashes(&refused("events", "POST", nested.clone()).await), [instructor]);
}

#[tokio::test]
async fn clash_is_allowed_on_request() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let taught = json!({ "instructor_ids": [tutorials.provider.instructor] });
    let event = |code: &str, title: &str| {
        with(tutorials.event(code), json!({ "sessions": [with(session(title, 1, (9, 12)), taught.clone())] }))
    };
    tutorials.create("events", event("CM2-01", "First")).await;
    assert_eq!(tutorials.json("POST", "events", event("CM2-02", "x")).await.0, 409);
    let (status, allowed) = tutorials.json("POST", "events?allow_clash=1", event("CM2-02", "x")).await;
    assert_eq!(status, 201, "{allowed}");
    let path = format!("sessions/{}", allowed["sessions"][0]["id"]);
    // Other fields change without another request.
    assert_eq!(tutorials.json("PATCH", &path, json!({ "title": "Renamed" })).await.0, 200);
    let (status, problem) = tutorials.json("PATCH", &path, json!({ "end_date": "2026-06-01T11:30:00+01:00" })).await;
    assert_eq!((status, clashes(&problem)), (409, vec![("instructor", "First", "Ada Marlow")]));
    let (status, _) = tutorials.json("PATCH", &format!("{path}?allow_clash=perhaps"), json!({})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn moved_events_and_sessions_are_checked() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let provider = tutorials.provider;
    let live = tutorials.create_id("locations", json!({ "name": "Live online" })).await;
    let online = tutorials.create_id("venues", json!({ "name": " live ONLINE", "location_id": live })).await;
    let place = json!({ "venue_id": provider.venue, "location_id": provider.location });
    let body = |code: &str, fields: Value| {
        with(with(tutorials.event(code), json!({ "sessions": [session(code, 1, (9, 12))] })), fields)
    };
    let one = tutorials.create("events", body("A", place.clone())).await;
    let two = tutorials.create("events", body("B", json!({}))).await;
    let (one, two, second) = (
        format!("events/{}", one["id"]),
        format!("events/{}", two["id"]),
        format!("sessions/{}", two["sessions"][0]["id"]),
    );
    for (path, change) in
        [(&two, json!({ "venue_id": provider.venue })), (&second, json!({ "venue_id": provider.venue }))]
    {
        let (status, problem) = tutorials.json("PATCH", path, change).await;
        assert_eq!((status, clashes(&problem)), (409, vec![("venue", "A", "Quill House")]), "{problem}");
    }
    // A session with a place of its own does not move with its event.
    assert_eq!(tutorials.json("PATCH", &second, json!({ "location_id": live })).await.0, 200);
    assert_eq!(tutorials.json("PATCH", &two, json!({ "venue_id": provider.venue })).await.0, 200);
    let (status, problem) = tutorials.json("PATCH", &second, json!({ "location_id": null })).await;
    assert_eq!((status, clashes(&problem).len()), (409, 1), "{problem}");
    // A venue named like its location is virtual.
    for path in [&one, &two] {
        assert_eq!(tutorials.json("PATCH", path, json!({ "venue_id": online, "location_id": live })).await.0, 200);
    }
    assert_eq!(tutorials.json("PATCH", &second, json!({ "location_id": null })).await.0, 200);
    assert_eq!(tutorials.json("PATCH", &one, json!({ "venue_id": null, "location_id": null })).await.0, 200);
    assert_eq!(tutorials.json("PATCH", &two, place.clone()).await.0, 200);
    assert_eq!(tutorials.json("PATCH", &one, place.clone()).await.0, 409);
    // Sessions of a cancelled event do not clash until it takes place again.
    assert_eq!(tutorials.json("PATCH", &two, json!({ "cancelled": true })).await.0, 200);
    assert_eq!(tutorials.json("PATCH", &one, place).await.0, 200);
    let (status, problem) = tutorials.json("PATCH", &two, json!({ "cancelled": false })).await;
    assert_eq!((status, clashes(&problem)), (409, vec![("venue", "A", "Quill House")]), "{problem}");
    let (status, _) = tutorials.json("PATCH", &format!("{two}?allow_clash=1"), json!({ "cancelled": false })).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_bookings_one_passes() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let provider = tutorials.provider;
    let place = json!({ "venue_id": provider.venue, "location_id": provider.location });
    let mut events = Vec::new();
    for code in 0..12 {
        let sessions = json!({ "sessions": [session("waiting", 1, (9, 12))] });
        events.push(tutorials.create("events", with(tutorials.event(&format!("E{code}")), sessions)).await);
    }
    // By a new session, by the instructor, and by the venue of the event.
    let race = async |day: u8, request: &dyn Fn(&Value, u8) -> (&'static str, String, Value)| {
        let requests = events.iter().map(|event| {
            let (method, path, body) = request(event, day);
            let tutorials = &tutorials;
            async move { tutorials.json(method, &path, body).await.0 }
        });
        let mut statuses: Vec<u16> = futures_util::future::join_all(requests).await;
        statuses.sort_unstable();
        assert!([200, 201].contains(&statuses[0]), "{statuses:?}");
        assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    };
    let of = |event: &Value| format!("events/{}/sessions", event["id"]);
    race(10, &|event, day| ("POST", of(event), with(session("x", day, (9, 12)), place.clone()))).await;
    race(11, &|event, day| {
        ("POST", of(event), with(session("x", day, (9, 12)), json!({ "instructor_ids": [provider.instructor] })))
    })
    .await;
    race(1, &|event, _| ("PATCH", format!("events/{}", event["id"]), place.clone())).await;
}
