use administrate::{CustomFieldValue, EventMode, EventType, Window};
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::tutorials::LearningMode;

fn field_values(values: &[(EventField, &str)]) -> FieldValues {
    values.iter().map(|(field, text)| (*field, (*text).to_owned())).collect()
}

#[test]
fn remote_change_differs_unless_it_equals_local() {
    for (local, baseline, remote, expected) in [
        ("12", "12", Some("12"), None),
        ("14", "12", Some("12"), None),
        ("12", "12", Some("20"), Some(false)),
        ("14", "12", Some("20"), Some(true)),
        ("20", "12", Some("20"), None),
        ("14", "12", None, None),
    ] {
        let remote =
            field_values(&remote.map(|places| (EventField::MaxPlaces, places)).into_iter().collect::<Vec<_>>());
        let found = diff_values(
            None,
            &field_values(&[(EventField::MaxPlaces, local)]),
            &field_values(&[(EventField::MaxPlaces, baseline)]),
            &remote,
        );
        assert_eq!(found.first().map(ValueDiff::is_conflict), expected, "{local} {baseline} {remote:?}");
    }
    let without_baseline =
        diff_values(None, &field_values(&[]), &field_values(&[]), &field_values(&[(EventField::Url, "x")]));
    assert_eq!(without_baseline, []);
}

#[test]
fn field_key_is_displayed_with_its_day() {
    for (day, field, expected) in
        [(None, EventField::MaxPlaces, "max places"), (Some(2), EventField::Time, "day 2: time")]
    {
        assert_eq!(FieldKey { day, field }.to_string(), expected);
    }
}

fn reference_names() -> ReferenceNames {
    let labels = Labels {
        sitting: "Sitting".into(),
        finalisation_date: "Finalisation date".into(),
        event_url: "URL".into(),
        web_sale: "Web sale".into(),
        ocr_moodle_code: "OCR Moodle Code".into(),
        day: "Day".into(),
        session_url: "URL".into(),
    };
    let fields = [
        ("Event", "Sitting", "s"),
        ("Event", "Finalisation date", "f"),
        ("Event", "URL", "u"),
        ("Event", "Web sale", "w"),
        ("Event", "OCR Moodle Code", "m"),
        ("Session", "URL", "v"),
    ];
    let place = |id, name: &str, external_id: Option<&str>| (id, name.to_owned(), external_id.map(str::to_owned));
    ReferenceNames::new(
        &labels,
        [place(1, "London", Some("L1")), place(2, "Cork", Some("L2"))],
        [place(5, "Quill House", Some("V1")), place(6, "Attic", None)],
        fields.map(|(entity, label, key)| (entity.to_owned(), label.to_owned(), key.to_owned())),
    )
}

fn local_event() -> Event {
    let event = json!({
        "code": "CM2-01", "product_id": 1, "course_template_id": 1, "learning_mode": LearningMode::Blended,
        "location_id": 1, "is_soldout": false, "remain_space": 12, "start_date": "2026-01-07", "end_date": "2026-01-10",
        "time_zone": "Europe/London", "max_places": 12, "sitting": "2026A", "web_sale": false, "cancelled": false,
        "staff": [], "sessions": [{
            "sequence": 1, "title": "CM2-01-1", "start": "2026-01-10T09:30:00Z", "end": "2026-01-10T17:00:00Z",
            "instructor_ids": []
        }]
    });
    serde_json::from_value(event).expect("an event")
}

fn baseline() -> (NewEvent, DesiredSession) {
    let window =
        |day: i8| Window { start: date(2026, 1, day).at(9, 30, 0, 0), end: date(2026, 1, day).at(17, 0, 0, 0) };
    let event = NewEvent {
        mode: EventMode::Blended,
        course_template_id: Id::new("T1"),
        title: "CM2-01".into(),
        event_type: EventType::Public,
        location_id: Id::new("L1"),
        venue_id: None,
        tax_type_id: Id::new("X"),
        time_zone: "Europe/London".into(),
        classroom: Some(window(10)),
        lms: None,
        max_places: Some(12),
        custom_fields: vec![CustomFieldValue { key: Id::new("s"), value: "2026A".into() }],
    };
    let session = DesiredSession {
        title: "CM2-01-1".into(),
        window: window(10),
        time_zone: "Europe/London".into(),
        location: Id::new("L1"),
        venue: None,
        custom_fields: vec![],
        instructors: vec![],
    };
    (event, session)
}

fn remote_event() -> administrate::Event {
    let value = |key: &str, value: &str| json!({ "definitionKey": key, "value": value });
    let event = json!({
        "id": "E", "title": "Renamed", "location": { "id": "L2" }, "venue": { "id": "V1" }, "maxPlaces": 20,
        "timeZoneName": "Europe/Dublin", "lmsStart": "2026-02-01T16:00:00", "lmsEnd": "2026-03-01T00:00:00",
        "customFieldValues": [
            value("s", "2026S"), value("f", "2026-01-05T00:00:00Z"), value("u", "https://b.example.org"),
            value("w", "yes"), value("m", "CM2 OC")
        ],
        "sessions": [{
            "id": "S", "title": "Theirs", "start": "2026-02-11T10:00:00", "end": "2026-02-11T12:00:00",
            "location": { "id": "L2" }, "venue": { "id": "V1" }, "customFieldValues": [value("v", "https://c.example.org")]
        }]
    });
    serde_json::from_value(event).expect("an event")
}

#[test]
fn accepted_event_fields_are_equal_on_both_sides() {
    let (names, remote, (mut baseline, _), mut event) = (reference_names(), remote_event(), baseline(), local_event());
    let found = diff_values(
        None,
        &names.event(&event),
        &names.baseline_event(&baseline),
        &names.remote_event(&remote, &baseline),
    );
    assert_eq!(found.len(), 10, "{found:?}");
    for diff in found {
        let field = diff.field.field;
        names.update_event_baseline(field, &remote, &mut baseline);
        assert_eq!(
            names.accept_event_field(field, &baseline, &mut event).is_ok(),
            field != EventField::Title,
            "{field:?}"
        );
        if field != EventField::Title {
            assert_eq!(
                names.event(&event).get(&field),
                names.remote_event(&remote, &baseline).get(&field),
                "{field:?}"
            );
        }
        assert_eq!(
            names.baseline_event(&baseline).get(&field),
            names.remote_event(&remote, &baseline).get(&field),
            "{field:?}"
        );
    }
    assert_eq!((event.start_date, event.end_date), (date(2026, 2, 1), date(2026, 3, 1)));
    assert_eq!((event.finalisation_date, event.web_sale), (Some(date(2026, 1, 5)), true));
}

#[test]
fn accepted_session_fields_are_equal_on_both_sides() {
    let (names, remote, (_, mut baseline), mut event) = (reference_names(), remote_event(), baseline(), local_event());
    let session = (&remote, &remote.sessions[0]);
    let found = diff_values(
        Some(1),
        &names.session((&event, &event.sessions[0])),
        &names.baseline_session(&baseline),
        &names.remote_session(session, &baseline),
    );
    assert_eq!(found.len(), 4, "{found:?}");
    for diff in found {
        let field = diff.field.field;
        names.update_session_baseline(field, session, &mut baseline);
        names.accept_session_field(field, &baseline, &mut event.sessions[0]).expect("accepted");
        let (local, remote) = (names.session((&event, &event.sessions[0])), names.remote_session(session, &baseline));
        assert_eq!(
            (local.get(&field), names.baseline_session(&baseline).get(&field)),
            (remote.get(&field), remote.get(&field))
        );
    }
    assert_eq!(event.sessions[0].start.to_string(), "2026-02-11T10:00:00Z");
}

#[test]
fn value_without_local_equivalent_is_not_accepted() {
    let (names, (mut event, mut session), mut local) = (reference_names(), baseline(), local_event());
    event.location_id = Id::new("L9");
    assert!(
        names
            .accept_event_field(EventField::Place, &event, &mut local)
            .is_err_and(|message| message.contains("lectern sync locations"))
    );
    session.title = " ".into();
    assert!(names.accept_session_field(EventField::Title, &session, &mut local.sessions[0]).is_err());
    session.window.end = session.window.start.date().at(8, 0, 0, 0);
    assert!(names.accept_session_field(EventField::Time, &session, &mut local.sessions[0]).is_err());
}
