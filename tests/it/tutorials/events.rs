//! Events with their sessions: nested documents, lists, filters, order, defaults, and what searches show.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutorials, answer, pointers, session, with};
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn event_is_created_and_read_with_its_sessions() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let provider = tutorials.provider;
    let place = json!({ "location_id": provider.location, "venue_id": provider.venue, "max_places": 12 });
    let sessions = json!([session("One", 1, (9, 17)), session("Two", 2, (9, 17))]);
    let body = with(with(tutorials.event("CM2-01"), place), json!({ "sessions": sessions }));
    let event = tutorials.create("events", body.clone()).await;
    assert_eq!((&event["remain_space"], &event["time_zone"]), (&json!(12), &json!("Europe/London")));
    assert_eq!((&event["subject_code"], &event["location"]), (&json!("CM2"), &json!("London")));
    let shown: Vec<(&Value, &Value, &Value)> = event["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|session| (&session["sequence"], &session["venue"], &session["venue_id"]))
        .collect();
    let (venue, none) = (json!("Quill House"), Value::Null);
    assert_eq!(shown, [(&json!(1), &venue, &none), (&json!(2), &venue, &none)], "they have the venue of their event");
    let item = format!("events/{}", event["id"]);
    assert_eq!(tutorials.get(&format!("{item}?include=sessions")).await, (200, event.clone()));
    assert!(tutorials.get(&item).await.1["sessions"].is_null());
    let (_, list) = tutorials.get("events?include=sessions").await;
    assert_eq!(list["results"], json!([event]));
    let (_, alone) = tutorials.get(&format!("sessions/{}", event["sessions"][1]["id"])).await;
    assert_eq!(alone, event["sessions"][1]);
    let (_, nested) = tutorials.get(&format!("{item}/sessions/?page_size=1")).await;
    assert_eq!((&nested["count"], &nested["results"]), (&json!(2), &json!([event["sessions"][0]])));
    assert!(nested["next"].as_str().expect("an address").contains(&format!("/{item}/sessions/?page_size=1&page=2")));

    // A document is written back with its sessions, which are changed elsewhere.
    assert_eq!(tutorials.json("PUT", &item, event.clone()).await.0, 200);
    let mut changed = event.clone();
    changed["sessions"][0]["title"] = json!("Other");
    let (status, problem) = tutorials.json("PUT", &item, changed).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/sessions", "read_only")]), "{problem}");

    // All events of a list with all their sessions, or none.
    let count = async || tutorials.get("sessions").await.1["count"].clone();
    let mut broken = with(body.clone(), json!({ "code": "CM2-03" }));
    broken["sessions"][1]["end_date"] = json!("2026-06-02T08:00:00+01:00");
    let list = json!([with(tutorials.event("CM2-02"), json!({ "sessions": [session("One", 3, (9, 17))] })), broken]);
    let (status, problem) = tutorials.json("POST", "events", list.clone()).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/1/sessions/1/end_date", "end_before_start")]), "{problem}");
    assert_eq!(count().await, 2);
    let mut list = list;
    list[1]["sessions"] = json!([{ "title": "x" }]);
    let (status, problem) = tutorials.json("POST", "events", list.clone()).await;
    let missing = vec![("/1/sessions/0/start_date", "missing_value"), ("/1/sessions/0/end_date", "missing_value")];
    assert_eq!((status, pointers(&problem)), (400, missing), "{problem}");
    list[1]["sessions"] = json!([session("x", 4, (9, 17)), with(session("y", 5, (9, 17)), json!({ "sequence": 1 }))]);
    let created = tutorials.create("events", list).await;
    let sequences: Vec<&Value> =
        created[1]["sessions"].as_array().expect("a list").iter().map(|session| &session["title"]).collect();
    assert_eq!(sequences, [&json!("y"), &json!("x")], "a given sequence is taken");
    assert_eq!(count().await, 5);
}

#[tokio::test]
async fn sessions_of_an_event_are_added_and_ordered_in_one_call() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let event = tutorials.create_id("events", tutorials.event("CM2-01")).await;
    let other = tutorials.create_id("events", tutorials.event("CM2-02")).await;
    let path = format!("events/{event}/sessions");
    let list = json!([session("A", 1, (9, 10)), session("B", 2, (9, 10)), session("C", 3, (9, 10))]);
    let created = tutorials.create(&path, list).await;
    let ids: Vec<i64> =
        created.as_array().expect("a list").iter().map(|one| one["id"].as_i64().expect("an id")).collect();
    let stranger = tutorials.create_id(&format!("events/{other}/sessions"), session("X", 9, (9, 10))).await;
    let (status, problem) =
        tutorials.json("POST", &path, with(session("D", 4, (9, 10)), json!({ "tutorial_event": other }))).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/tutorial_event", "conflicting_value")]), "{problem}");
    let (status, problem) =
        tutorials.json("PATCH", &format!("sessions/{stranger}"), json!({ "tutorial_event": event })).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/tutorial_event", "read_only")]), "{problem}");
    assert_eq!(tutorials.json("POST", "events/999999/sessions", session("D", 4, (9, 10))).await.0, 404);
    assert_eq!(tutorials.get("events/999999/sessions").await.0, 404);

    let order = format!("{path}/order");
    for (wrong, expected) in [
        (json!([ids[0], ids[1]]), vec![("/ids", "missing_value")]),
        (json!([ids[0], ids[1], ids[1], ids[2]]), vec![("/ids/2", "invalid_value")]),
        (json!([ids[0], ids[1], ids[2], stranger]), vec![("/ids/3", "unknown_reference")]),
    ] {
        let (status, problem) = tutorials.json("PUT", &order, json!({ "ids": wrong })).await;
        assert_eq!((status, pointers(&problem)), (422, expected), "{problem}");
    }
    let (status, _) = tutorials.json("PUT", &order, json!({ "ids": "x" })).await;
    assert_eq!(status, 400);
    let turned = [ids[2], ids[0], ids[1]];
    let (status, list) = tutorials.json("PUT", &order, json!({ "ids": turned })).await;
    let sequences: Vec<&Value> =
        list["results"].as_array().expect("a list").iter().map(|one| &one["sequence"]).collect();
    assert_eq!((status, sequences), (200, vec![&json!(1), &json!(2), &json!(3)]), "{list}");
    assert_eq!(tutorials.ids(&path).await, turned);
    let reader = token(&db, Role::Reader).await;
    let request = tutorials.anonymous("PUT", &order).bearer_auth(reader).json(&json!({ "ids": ids }));
    assert_eq!(answer(request).await.0, 403);
}

#[tokio::test]
async fn lists_are_filtered_by_id_name_and_time() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let provider = tutorials.provider;
    let leeds = tutorials.create_id("locations", json!({ "name": "Leeds" })).await;
    let london = json!({ "location_id": provider.location, "venue_id": provider.venue, "sitting": "2026A",
                         "finalisation_date": "2026-05-10", "instructor_ids": [provider.instructor],
                         "sessions": [session("One", 1, (0, 1)), session("Two", 2, (9, 17))] });
    let one = tutorials.create_id("events", with(tutorials.event("CM2-01"), london)).await;
    let dates = json!({ "start_date": "2026-07-01", "end_date": "2026-07-02", "location_id": leeds,
                        "time_zone": "America/New_York" });
    let two = tutorials.create_id("events", with(tutorials.event("CM2-02"), dates)).await;
    for (filter, expected) in [
        ("subject=cm2".to_owned(), vec![one, two]),
        ("subject=CB1".to_owned(), vec![]),
        ("subject=cm2&code=cm2-02".to_owned(), vec![two]),
        (format!("code={one}"), vec![one]),
        ("code=CM2-01&code=CM2-02".to_owned(), vec![one, two]),
        ("location=LONDON".to_owned(), vec![one]),
        (format!("location={leeds}"), vec![two]),
        ("location=Leeds&location=London".to_owned(), vec![one, two]),
        ("location=Nowhere".to_owned(), vec![]),
        ("location=99999999999999999999".to_owned(), vec![]),
        ("venue=quill%20house".to_owned(), vec![one]),
        ("venue=".to_owned(), vec![two]),
        ("instructor=ada%20marlow".to_owned(), vec![one]),
        (format!("instructor={}", provider.instructor), vec![one]),
        ("sitting=2026a".to_owned(), vec![one, two]),
        ("sitting=26A".to_owned(), vec![one, two]),
        ("sitting=2026-09".to_owned(), vec![]),
        ("sitting=2026-04".to_owned(), vec![one, two]),
        ("starts_from=2026-06-02".to_owned(), vec![two]),
        ("starts_from=2026-06-01&starts_to=2026-06-01".to_owned(), vec![one]),
        ("finalisation_to=2026-05-10".to_owned(), vec![one]),
        ("finalisation_from=2026-05-11".to_owned(), vec![]),
        ("cancelled=true".to_owned(), vec![]),
        ("is_soldout=false&ordering=-start_date".to_owned(), vec![two, one]),
    ] {
        assert_eq!(tutorials.ids(&format!("events?{filter}")).await, expected, "{filter}");
    }
    sessions_are_filtered(&tutorials, one, two).await;
    for wrong in [
        "events?starts_from=June",
        "events?starts_from=2026-06-01T00:00:00Z",
        "sessions?starts_to=x",
        "events?include=rooms",
        "events?cancelled=perhaps",
    ] {
        let (status, problem) = tutorials.get(wrong).await;
        assert_eq!((status, pointers(&problem).len()), (400, 1), "{wrong}: {problem}");
    }
}

async fn sessions_are_filtered(tutorials: &Tutorials, one: i64, two: i64) {
    let sessions = tutorials.ids("sessions").await;
    for (filter, expected) in [
        (format!("event={one}"), vec![sessions[0], sessions[1]]),
        ("event=cm2-01".to_owned(), vec![sessions[0], sessions[1]]),
        (format!("event={two}"), vec![]),
        ("venue=Quill%20House".to_owned(), vec![sessions[0], sessions[1]]),
        ("location=Leeds".to_owned(), vec![]),
        ("instructor=Ada%20Marlow".to_owned(), vec![]),
        // The first session begins at midnight in London, which is the day before in UTC.
        ("starts_from=2026-06-01&starts_to=2026-06-01".to_owned(), vec![sessions[0]]),
        ("starts_from=2026-05-31T23:00:00Z&starts_to=2026-06-01T00:00:00%2B01:00".to_owned(), vec![sessions[0]]),
        ("starts_from=2026-06-02T08:00:01Z".to_owned(), vec![]),
    ] {
        assert_eq!(tutorials.ids(&format!("sessions?{filter}")).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn every_write_is_in_the_next_search() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let search = async || {
        let found = tutorials.site.search(&json!({ "searchQuery": "CM2" })).await;
        found["products"][0]["variations"][0]["events"].clone()
    };
    let body = with(tutorials.event("CM2-77"), json!({ "sessions": [session("One", 1, (9, 17))] }));
    let event = tutorials.create("events", body).await;
    let (item, session_item) = (format!("events/{}", event["id"]), format!("sessions/{}", event["sessions"][0]["id"]));
    assert_eq!(search().await[0]["code"], "CM2-77");
    tutorials.json("PATCH", &item, json!({ "venue_id": tutorials.provider.venue })).await;
    assert_eq!(search().await[0]["sessions"][0]["venue"], "Quill House");
    tutorials.json("PATCH", &session_item, json!({ "title": "Renamed" })).await;
    assert_eq!(search().await[0]["sessions"][0]["title"], "Renamed");
    tutorials.json("PATCH", &format!("venues/{}", tutorials.provider.venue), json!({ "name": "Mill" })).await;
    assert_eq!(search().await[0]["venue"], "Mill");
    let second = tutorials.create_id(&format!("{item}/sessions"), session("Two", 2, (9, 17))).await;
    let first = &event["sessions"][0]["id"];
    tutorials.json("PUT", &format!("{item}/sessions/order"), json!({ "ids": [second, first] })).await;
    assert_eq!(search().await[0]["sessions"][0]["title"], "Two");
    assert_eq!(tutorials.delete(&format!("sessions/{second}")).await.0, 204);
    assert_eq!(search().await[0]["sessions"][0]["title"], "Renamed");
    tutorials.json("PATCH", &item, json!({ "cancelled": true })).await;
    assert_eq!(search().await, json!([]));
    let (status, _) = answer(tutorials.anonymous("GET", &item)).await;
    assert_eq!(status, 404, "anonymous callers do not see cancelled events");
    assert_eq!(answer(tutorials.anonymous("GET", &session_item)).await.0, 404);
    assert_eq!(tutorials.get(&item).await.1["cancelled"], true);
    tutorials.json("PATCH", &item, json!({ "cancelled": false })).await;
    assert_eq!(search().await[0]["code"], "CM2-77");
    assert_eq!(tutorials.delete(&item).await.0, 204);
    assert_eq!(search().await, json!([]));
}

#[tokio::test]
async fn details_follow_the_rules_of_the_timetable() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let leeds = tutorials.create_id("locations", json!({ "name": "Leeds" })).await;
    let lms = tutorials.create_id("course-templates", json!({ "code": "CM2_OC", "title": "Online" })).await;
    let body = json!({ "course_template_id": tutorials.provider.template, "max_places": 12, "location_id": leeds,
                       "venue_id": tutorials.provider.venue, "event_url": "https://rooms.example.org/1" });
    let event = tutorials.create("events", with(tutorials.event("CM2-01"), body)).await;
    assert_eq!(event["learning_mode"], "blended");
    let warning = event["warnings"][0]["message"].as_str().expect("a sentence");
    assert!(warning.contains("Quill House") && warning.contains("Leeds"), "{warning}");
    let online = json!({ "course_template_id": lms });
    assert_eq!(tutorials.create("events", with(tutorials.event("CM2-02"), online)).await["learning_mode"], "lms");

    // Sold places stay sold when the maximum changes.
    let item = format!("events/{}", event["id"]);
    let places = async |change: Value| {
        let (status, event) = tutorials.json("PATCH", &item, change).await;
        assert_eq!(status, 200, "{event}");
        event["remain_space"].clone()
    };
    assert_eq!(places(json!({ "remain_space": 2 })).await, 2);
    assert_eq!(places(json!({ "max_places": 5 })).await, 0);
    assert_eq!(places(json!({ "max_places": 20 })).await, 10);
    assert_eq!(places(json!({ "max_places": 30, "remain_space": 1 })).await, 1);

    // Details move the time of the last change, equal values do not.
    let (_, before) = tutorials.get(&item).await;
    let (_, after) = tutorials.json("PATCH", &item, json!({ "sitting": "2026A" })).await;
    assert_ne!(before["updated_at"], after["updated_at"]);
    assert_eq!(tutorials.json("PUT", &item, after.clone()).await, (200, after));

    let mut config = db.config(&[]);
    config.public_session_urls = false;
    let site = Site::serve_with(&db, &config).await;
    let path = format!("{item}/sessions");
    tutorials.create(&path, with(session("One", 1, (9, 17)), json!({ "url": "https://rooms.example.org/2" }))).await;
    let get = |path: String| site.request("GET", &format!("/api/tutorials/{path}"));
    let (_, event) = answer(get(format!("{item}?include=sessions"))).await;
    assert_eq!((&event["event_url"], &event["sessions"][0]["url"]), (&Value::Null, &Value::Null));
    let (_, event) = answer(get(format!("{item}?include=sessions")).bearer_auth(&tutorials.token)).await;
    assert_eq!(event["sessions"][0]["url"], "https://rooms.example.org/2");
}
