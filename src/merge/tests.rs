use administrate::{CustomFieldValue, EventMode, EventType, Window};
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::tutorials::LearningMode;

fn said(values: &[(Aspect, &str)]) -> Said {
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
        let theirs = said(&theirs.map(|places| (Aspect::MaxPlaces, places)).into_iter().collect::<Vec<_>>());
        let found =
            differences(None, &said(&[(Aspect::MaxPlaces, ours)]), &said(&[(Aspect::MaxPlaces, agreed)]), &theirs);
        assert_eq!(found.first().map(Difference::is_conflict), expected, "{ours} {agreed} {theirs:?}");
    }
    let nothing_agreed = differences(None, &said(&[]), &said(&[]), &said(&[(Aspect::Url, "x")]));
    assert_eq!(nothing_agreed, []);
}

#[test]
fn fields_are_called_as_an_import_calls_them() {
    for (day, aspect, expected) in [(None, Aspect::MaxPlaces, "max places"), (Some(2), Aspect::Time, "day 2: time")] {
        assert_eq!(Field { day, aspect }.to_string(), expected);
    }
}

fn directory() -> Directory {
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
    Directory::new(
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

fn agreed() -> (NewEvent, WantedSession) {
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
    let session = WantedSession {
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
        differences(None, &said.event(&event), &said.agreed_event(&agreed), &said.their_event(&theirs, &agreed));
    assert_eq!(found.len(), 10, "{found:?}");
    for difference in found {
        let aspect = difference.field.aspect;
        said.agree_on_event(aspect, &theirs, &mut agreed);
        assert_eq!(said.take_of_event(aspect, &agreed, &mut event).is_ok(), aspect != Aspect::Title, "{aspect:?}");
        if aspect != Aspect::Title {
            assert_eq!(said.event(&event).get(&aspect), said.their_event(&theirs, &agreed).get(&aspect), "{aspect:?}");
        }
        assert_eq!(
            said.agreed_event(&agreed).get(&aspect),
            said.their_event(&theirs, &agreed).get(&aspect),
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
    let found = differences(
        Some(1),
        &said.session((&event, &event.sessions[0])),
        &said.agreed_session(&agreed),
        &said.their_session(told, &agreed),
    );
    assert_eq!(found.len(), 4, "{found:?}");
    for difference in found {
        let aspect = difference.field.aspect;
        said.agree_on_session(aspect, told, &mut agreed);
        said.take_of_session(aspect, &agreed, &mut event.sessions[0]).expect("taken over");
        let (ours, theirs) = (said.session((&event, &event.sessions[0])), said.their_session(told, &agreed));
        assert_eq!(
            (ours.get(&aspect), said.agreed_session(&agreed).get(&aspect)),
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
        said.take_of_event(Aspect::Place, &event, &mut ours).is_err_and(|why| why.contains("lectern sync locations"))
    );
    session.title = " ".into();
    assert!(said.take_of_session(Aspect::Title, &session, &mut ours.sessions[0]).is_err());
    session.window.end = session.window.start.date().at(8, 0, 0, 0);
    assert!(said.take_of_session(Aspect::Time, &session, &mut ours.sessions[0]).is_err());
}
