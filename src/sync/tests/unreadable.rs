//! Records of Administrate that cannot be read.

use std::collections::{BTreeMap, HashMap, HashSet};

use administrate::UnreadableEvent;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::bridges::events::EventLinkRow;
use crate::bridges::overrides::MatchOverrides;
use crate::sync::entities::events::{Events, LocalEvents, Row};
use crate::sync::entity_sync::EntitySync;
use crate::tutorials::{Availability, PlacesChange};

#[test]
fn unreadable_event_is_an_error_and_keeps_its_row() {
    let local = LocalEvents {
        availabilities: vec![Availability {
            id: 1,
            code: "CM2-01".into(),
            is_soldout: false,
            remain_space: 3,
            max_places: None,
            sessions: vec![],
        }],
        undelivered: HashMap::new(),
        references: HashSet::new(),
        time_zone: TimeZone::UTC,
        baselines: HashMap::new(),
        reference_names: None,
        winners: BTreeMap::new(),
    };
    let row = Row {
        bridge: EventLinkRow { external_id: "A".into(), tutorial_event_id: Some(1), ..EventLinkRow::default() },
        places: PlacesChange { is_soldout: Some(false), remain_space: Some(3) },
        places_baseline: None,
        availability_before: None,
    };
    let readable = serde_json::from_value(json!({ "id": "B", "title": "CM2-02" })).expect("an event");
    let unreadable = UnreadableEvent { id: "A".into(), title: "CM2-01".into(), reason: "no date".into() };
    let plan = Events::plan(&local, (vec![readable], vec![unreadable]), &[row], &MatchOverrides::default());
    assert_eq!((plan.fetched, plan.changes.len(), plan.missing_remote.len()), (2, 1, 0));
    assert_eq!(plan.findings.errors[0].external_id.as_deref(), Some("A"));
    assert!(plan.findings.errors[0].message.contains("no date"), "{:?}", plan.findings.errors);
    assert!(plan.findings.unmatched_local.is_empty(), "it is linked still");
}
