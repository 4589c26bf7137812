use administrate::{CustomFieldValue, EventMode, EventType, Window};
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::tutorials::LearningMode;

fn said(values: &[(EventField, &str)]) -> FieldValues {
    values.iter().map(|(aspect, text)| (*aspect, (*text).to_owned())).collect()
}

#[test]
fn only_what_changed_there_and_not_to_ours_differs() {
    for (ours, agreed, theirs, expected) in [
        ("12", "12", Some("12"), None),
        ("14", "12", Some("12"), None),
        ("12", "12", Some("20"), Some(false)),
        ("14", "12", Some("20"), Some(true)),
        ("20", "12", Some("20"), None),
        ("14", "12", None, None),
    ] {
        let theirs = said(&theirs.map(|places| (EventField::MaxPlaces, places)).into_iter().collect::<Vec<_>>());
        let found = diff_values(
            None,
            &said(&[(EventField::MaxPlaces, ours)]),
            &said(&[(EventField::MaxPlaces, agreed)]),
            &theirs,
        );
        assert_eq!(found.first().map(ValueDiff::is_conflict), expected, "{ours} {agreed} {theirs:?}");
    }
    let nothing_agreed = diff_values(None, &said(&[]), &said(&[]), &said(&[(EventField::Url, "x")]));
    assert_eq!(nothing_agreed, []);
}

#[test]
fn fields_are_called_as_an_import_calls_them() {
    for (day, aspect, expected) in
        [(None, EventField::MaxPlaces, "max places"), (Some(2), EventField::Time, "day 2: time")]
    {
        assert_eq!(FieldKey { day, field: aspect }.to_string(), expected);
    }
}

fn directory() -> ReferenceNames {
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
    let place = |id, name: &str, theirs: Option<&str>| (id, name.to_owned(), theirs.map(str::to_owned));
    ReferenceNames::new(
        &labels,
        [place(1, "London", Some("L1")), place(2, "Cork", Some("L2"))],
        [place(5, "Quill House", Some("V1")), place(6, "Attic", None)],
        fields.map(|(entity, label, key)| (entity.to_owned(), label.to_owned(), key.to_owned())),
    )
}

fn ours() -> Event {
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

fn agreed() -> (NewEvent, DesiredSession) {
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

fn theirs() -> administrate::Event {
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
fn what_is_taken_over_is_said_alike_on_both_sides() {
    let (said, theirs, (mut agreed, _), mut event) = (directory(), theirs(), agreed(), ours());
    let found =
        diff_values(None, &said.event(&event), &said.baseline_event(&agreed), &said.remote_event(&theirs, &agreed));
    assert_eq!(found.len(), 10, "{found:?}");
    for difference in found {
        let aspect = difference.field.field;
        said.update_event_baseline(aspect, &theirs, &mut agreed);
        assert_eq!(
            said.accept_event_field(aspect, &agreed, &mut event).is_ok(),
            aspect != EventField::Title,
            "{aspect:?}"
        );
        if aspect != EventField::Title {
            assert_eq!(said.event(&event).get(&aspect), said.remote_event(&theirs, &agreed).get(&aspect), "{aspect:?}");
        }
        assert_eq!(
            said.baseline_event(&agreed).get(&aspect),
            said.remote_event(&theirs, &agreed).get(&aspect),
            "{aspect:?}"
        );
    }
    assert_eq!((event.start_date, event.end_date), (date(2026, 2, 1), date(2026, 3, 1)));
    assert_eq!((event.finalisation_date, event.web_sale), (Some(date(2026, 1, 5)), true));
}

#[test]
fn a_session_is_taken_over_value_by_value() {
    let (said, theirs, (_, mut agreed), mut event) = (directory(), theirs(), agreed(), ours());
    let told = (&theirs, &theirs.sessions[0]);
    let found = diff_values(
        Some(1),
        &said.session((&event, &event.sessions[0])),
        &said.baseline_session(&agreed),
        &said.remote_session(told, &agreed),
    );
    assert_eq!(found.len(), 4, "{found:?}");
    for difference in found {
        let aspect = difference.field.field;
        said.update_session_baseline(aspect, told, &mut agreed);
        said.accept_session_field(aspect, &agreed, &mut event.sessions[0]).expect("taken over");
        let (ours, theirs) = (said.session((&event, &event.sessions[0])), said.remote_session(told, &agreed));
        assert_eq!(
            (ours.get(&aspect), said.baseline_session(&agreed).get(&aspect)),
            (theirs.get(&aspect), theirs.get(&aspect))
        );
    }
    assert_eq!(event.sessions[0].start.to_string(), "2026-02-11T10:00:00Z");
}

#[test]
fn what_ours_cannot_say_is_not_taken_over() {
    let (said, (mut event, mut session), mut ours) = (directory(), agreed(), ours());
    event.location_id = Id::new("L9");
    assert!(
        said.accept_event_field(EventField::Place, &event, &mut ours)
            .is_err_and(|why| why.contains("lectern sync locations"))
    );
    session.title = " ".into();
    assert!(said.accept_session_field(EventField::Title, &session, &mut ours.sessions[0]).is_err());
    session.window.end = session.window.start.date().at(8, 0, 0, 0);
    assert!(said.accept_session_field(EventField::Time, &session, &mut ours.sessions[0]).is_err());
}
