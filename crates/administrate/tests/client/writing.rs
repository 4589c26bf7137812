//! Documents of mutations, and how their payloads are judged.

use administrate::{
    CustomFieldValue, Error, EventChanges, EventMode, EventType, Id, Lifecycle, NewContact, NewEvent, NewLocation,
    NewStaff, SessionChanges, StaffType, Window,
};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::environment::{Step, World, connection, data, ok, page};

pub fn new_event(mode: EventMode) -> NewEvent {
    let day = |day| Window { start: date(2026, 7, day).at(9, 0, 0, 0), end: date(2026, 7, day).at(17, 30, 0, 0) };
    NewEvent {
        mode,
        course_template_id: Id::from("T1"),
        title: "CB1 \"one\"".into(),
        event_type: EventType::Public,
        location_id: Id::from("L1"),
        venue_id: Some(Id::from("V1")),
        tax_type_id: Id::from("VGF4VHlwZTox"),
        time_zone: "Europe/London".into(),
        classroom: Some(day(1)),
        lms: Some(day(2)),
        max_places: Some(12),
        custom_fields: vec![CustomFieldValue { key: Id::from("K1"), value: "True".into() }],
    }
}

fn created(operation: &str, payload: Value) -> Step {
    data(json!({"event": {operation: payload}}))
}

fn sessions(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(|number| json!({"id": format!("S{number}"), "legacyId": number})).collect()
}

#[tokio::test]
async fn a_blended_event_is_declared_in_scalars_and_written_in_literals() {
    let payload =
        json!({"event": {"id": "E1", "legacyId": 77, "sessions": connection(sessions(1, 2), 2, false)}, "errors": []});
    let world = World::new(vec![created("createBlended", payload)]);
    let made = world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    assert_eq!((made.id.as_str(), made.legacy_id.as_deref()), ("E1", Some("77")));
    assert_eq!(made.sessions[1].legacy_id.as_deref(), Some("2"));
    assert!(made.sessions_are_complete && made.warnings.is_empty() && made.left_out.is_empty());
    let sent = world.last();
    assert_eq!(
        sent.query(),
        "mutation($courseTemplateId: ID!, $title: String!, $locationId: ID!, $venueId: ID!, $taxType: ID!, \
         $timeZoneName: String!, $maxPlaces: Int!, $definitionKey: ID!, $value: String!) { event { createBlended(input: \
         {courseTemplateId: $courseTemplateId, title: $title, eventType: public, locationId: $locationId, venueId: $venueId, \
         taxType: $taxType, timeZoneName: $timeZoneName, classroomStartDateTime: \"2026-07-01T09:00:00\", \
         classroomEndDateTime: \"2026-07-01T17:30:00\", lmsStartDateTime: \"2026-07-02T09:00:00\", \
         lmsEndDateTime: \"2026-07-02T17:30:00\", maxPlaces: $maxPlaces, \
         customFieldValues: [{definitionKey: $definitionKey, value: $value}]}) \
         { event { id legacyId sessions(first: 100) { edges { node { id legacyId } } pageInfo { hasNextPage totalRecords } } } \
         errors { label message value } } } }"
    );
    assert_eq!(sent.variables()["title"], "CB1 \"one\"");
    assert_eq!(sent.variables()["value"], "True");
}

#[tokio::test]
async fn each_mode_sends_what_its_mutation_knows() {
    let payload = json!({"event": {"id": "E1", "sessions": []}, "errors": null});
    let world = World::new(vec![created("createLMS", payload.clone()), created("createClassroom", payload)]);
    let client = world.client();
    let lms = client.create_lms(new_event(EventMode::Blended)).await.expect("made");
    let query = world.last().query();
    assert!(query.contains("createLMS(") && query.contains("lmsEndDateTime"), "{query}");
    assert!(!query.contains("classroom") && !query.contains("venueId") && !query.contains("maxPlaces"), "{query}");
    assert_eq!((lms.left_out, lms.sessions.len()), (vec!["maxPlaces"], 0));
    let classroom = client.create_classroom(new_event(EventMode::Blended)).await.expect("made");
    let query = world.last().query();
    assert!(query.contains("classroomEndDateTime") && !query.contains("lms") && !query.contains("taxType"), "{query}");
    assert_eq!(classroom.left_out, ["customFieldValues"]);
    let bare = NewEvent { classroom: None, ..new_event(EventMode::Blended) };
    let error = client.create_event(&bare).await.expect_err("no dates");
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}

#[tokio::test]
async fn the_id_decides_whether_an_event_was_created() {
    let event = json!({"id": "E1", "sessions": connection(sessions(1, 1), 1, false)});
    let problem = json!([{"label": "venueId", "message": "not at this location", "value": null}]);
    let create = async |step: Step| World::new(vec![step]).client().create_event(&new_event(EventMode::Blended)).await;

    let made =
        create(created("createBlended", json!({"event": event, "errors": problem}))).await.expect("with warnings");
    assert_eq!(made.warnings[0].to_string(), "venueId: not at this location");

    let made = create(created("createBlended", json!([{"event": event, "errors": []}]))).await.expect("a list");
    assert_eq!(made.sessions.len(), 1);

    let body = json!({"data": {"event": {"createBlended": {"event": event}}}, "errors": [{"message": "slow", "path": ["event"]}]});
    let made = create(ok(body)).await.expect("with a top-level error");
    assert_eq!(made.warnings[0].message, "slow");

    let error = create(created("createBlended", json!({"event": null, "errors": problem}))).await.expect_err("refused");
    assert!(matches!(&error, Error::Refused { errors, .. } if errors[0].label == "venueId"), "{error}");
    assert!(!error.is_doubtful());

    let error = create(created("createBlended", json!({"event": null, "errors": []}))).await.expect_err("silent");
    assert!(error.is_doubtful(), "{error}");
}

#[tokio::test]
async fn more_than_a_hundred_sessions_are_fetched_and_a_failure_there_loses_no_event() {
    let first = json!({"event": {"id": "E1", "sessions": connection(sessions(1, 100), 120, true)}, "errors": []});
    // What a payload lists has no order that the rest could be fetched in: it is fetched whole.
    let [start, rest] = [(1, 100, true), (101, 120, false)].map(|(from, to, more)| {
        let event = json!({"id": "E1", "sessions": connection(sessions(from, to), 120, more)});
        page("events", vec![event], 1, false)
    });
    let world = World::new(vec![created("createBlended", first.clone()), start, rest]);
    let made = world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    assert_eq!((made.sessions.len(), made.sessions_are_complete), (120, true));

    let world = World::new([vec![created("createBlended", first)], vec![Step::Refuse; 6]].concat());
    let made = world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    assert_eq!((made.id.as_str(), made.sessions.len(), made.sessions_are_complete), ("E1", 100, false));
}

#[tokio::test]
async fn changes_name_only_what_changes() {
    let world = World::new(vec![
        data(json!({"event": {"update": {"event": {"id": "E1"}, "errors": []}}})),
        data(json!({"session": {"update": {"session": {"id": "S1"}, "errors": []}}})),
    ]);
    let client = world.client();
    let changes =
        EventChanges { lifecycle: Some(Lifecycle::Published), venue_id: Some(None), ..EventChanges::default() };
    let written = client.update_event(&Id::from("E1"), &changes).await.expect("written");
    assert_eq!(written.left_out, ["venueId"], "not documented for event.update");
    assert_eq!(
        world.last().query(),
        "mutation($eventId: ID!) { event { update(eventId: $eventId, input: {lifecycleState: published}) \
         { event { id } errors { label message value } } } }"
    );
    let changes = SessionChanges {
        start: Some(date(2026, 7, 1).at(9, 0, 0, 0)),
        venue_id: Some(None),
        ..SessionChanges::default()
    };
    client.update_session(&Id::from("S1"), &changes).await.expect("written");
    let query = world.last().query();
    assert!(query.contains("input: {start: \"2026-07-01T09:00:00\", venueId: null}"), "{query}");
    let nothing = client.update_event(&Id::from("E1"), &EventChanges::default()).await.expect("nothing to send");
    assert!(nothing.left_out.is_empty());
    assert_eq!(world.queries().len(), 2);
}

#[tokio::test]
async fn who_is_staff_already_stays_and_the_others_are_added_one_by_one() {
    let there = json!([{"label": "contactId", "message": "The input Contact already exists as staff on the Event"}]);
    let added = |operation: &str, object: &str, errors: &Value| {
        let namespace = if object == "session" { "session" } else { "event" };
        data(json!({namespace: {operation: {object: {"id": "X"}, "errors": errors}}}))
    };
    let staff = |contact: &str| NewStaff {
        event_id: Id::from("E1"),
        contact_id: Id::from(contact),
        staff_type: StaffType::Administrator,
    };
    let world = World::new(vec![
        added("addStaffBulk", "events", &there),
        added("addStaff", "event", &there),
        added("addStaff", "event", &json!([])),
    ]);
    world.client().add_event_staff_bulk(&[staff("P1"), staff("P2")]).await.expect("added");
    let queries = world.queries();
    assert!(
        queries[0].contains("input: [{eventId: $eventId, contactId: $contactId, staffType: administrator}, {eventId")
    );
    assert_eq!(world.left(), 0);

    let world = World::new(vec![added("addStaff", "session", &there)]);
    let contacts = [Id::from("P1")];
    let session = Id::from("S1");
    world.client().add_session_staff(&session, &contacts, StaffType::Instructor).await.expect("there");
    assert_eq!(world.last().variables()["contactIds"], json!(["P1"]));

    let other = json!([{"message": "no such contact"}]);
    let world = World::new(vec![added("addStaff", "session", &other)]);
    let error = world.client().add_session_staff(&session, &contacts, StaffType::Instructor).await;
    assert!(matches!(error, Err(Error::Refused { .. })), "{error:?}");
}

#[tokio::test]
async fn deletions_and_contacts() {
    let world = World::new(vec![
        data(json!({"event": {"delete": {"errors": []}}})),
        data(json!({"session": {"delete": {"errors": null}}})),
        data(json!({"event": {"removeStaff": {}}})),
        data(json!({"contact": {"create": {"contact": {"id": "P9"}, "errors": []}}})),
    ]);
    let client = world.client();
    client.delete_events(&[Id::from("E1")]).await.expect("deleted");
    assert!(world.last().query().contains("delete(input: {eventIds: $eventIds}) { errors { label message value } }"));
    client.delete_sessions(&[Id::from("S1")]).await.expect("deleted");
    client.remove_event_staff(&Id::from("F1")).await.expect("removed");
    let contact = NewContact {
        first_name: "Ada".into(),
        last_name: "Byron".into(),
        account_id: None,
        email: None,
        is_instructor: true,
    };
    let made = client.create_contact(&contact).await.expect("made");
    assert_eq!((made.id.as_str(), made.left_out), ("P9", vec!["isInstructor"]));
    let location = NewLocation { name: "Leeds".into(), code: None };
    let error = client.create_location(&location).await.expect_err("unknown");
    assert!(matches!(error, Error::Unsupported { operation: "location.create" }), "{error}");
}
