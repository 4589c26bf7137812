//! Local records whose names or codes differ only in case or white space, as adopted databases have them, are ambiguous.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::tz::TimeZone;
use serde_json::json;

use super::{contact, named, remote_locations};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::{self as bridges, LinkRow};
use crate::sync::entities::{course_templates, events, instructors, locations, venues};
use crate::sync::plan::SyncPlan;
use crate::sync::remote::{self, RemotePeople};
use crate::sync::report::findings::Findings;
use crate::tutorials::Availability;
use crate::tutorials::reference::NamedVenue;

/// Returns the findings of a plan and the links of the rows after it.
fn findings_and_links<R: LinkRow>(plan: SyncPlan<R>) -> (Findings, Vec<Option<i64>>) {
    let links = plan.applied_to(&[]).iter().map(LinkRow::link).collect();
    (plan.findings, links)
}

fn of_locations(local: [(i64, &str); 2], remote: &str) -> (Findings, Vec<Option<i64>>) {
    findings_and_links(locations::plan(
        &named(&local),
        remote_locations(&[("A", remote)]),
        &[],
        &MatchOverrides::default(),
    ))
}

fn of_venues(local: [(i64, &str); 2], remote: &str) -> (Findings, Vec<Option<i64>>) {
    let venue = |(id, name): (i64, &str)| NamedVenue { id, name: name.into(), location_id: Some(7) };
    let location = bridges::LocationRow { external_id: "L".into(), legacy_id: None, tutorial_location_id: Some(7) };
    let remote = remote::RemoteVenue { external_id: "A".into(), name: remote.into(), location: Some("L".into()) };
    findings_and_links(venues::plan(&local.map(venue), vec![remote], &[location], &[], &MatchOverrides::default()))
}

fn of_instructors(local: [(i64, &str); 2], remote: &str) -> (Findings, Vec<Option<i64>>) {
    let people = RemotePeople { instructors: vec![contact("A", remote, "")], administrators: vec![] };
    findings_and_links(instructors::plan(&named(&local), people, &[], &[], &MatchOverrides::default()))
}

fn of_templates(local: [(i64, &str); 2], remote: &str) -> (Findings, Vec<Option<i64>>) {
    let template = remote::RemoteCourseTemplate {
        external_id: "A".into(),
        code: remote.into(),
        title: "Models".into(),
        learning_mode: None,
        custom_fields: BTreeMap::new(),
        approved: vec![],
    };
    findings_and_links(course_templates::plan(&named(&local), vec![template], &[], &[], &MatchOverrides::default()))
}

fn of_events(local: [(i64, &str); 2], remote: &str) -> (Findings, Vec<Option<i64>>) {
    let availability = |(id, code): (i64, &str)| Availability {
        id,
        code: code.into(),
        is_soldout: false,
        remain_space: 3,
        max_places: None,
        sessions: vec![],
    };
    let local_events = events::LocalEvents {
        availabilities: local.map(availability).into(),
        undelivered: HashMap::new(),
        references: HashSet::new(),
        time_zone: TimeZone::UTC,
        baselines: HashMap::new(),
        reference_names: None,
        winners: BTreeMap::new(),
    };
    let event = serde_json::from_value(json!({ "id": "A", "title": remote })).expect("an event");
    findings_and_links(events::plan(&local_events, vec![event], &[], &MatchOverrides::default()))
}

#[test]
fn names_that_differ_only_in_case_or_blanks_are_ambiguous() {
    type Planner = fn([(i64, &str); 2], &str) -> (Findings, Vec<Option<i64>>);
    let entities: [(&str, Planner); 5] = [
        ("locations", of_locations),
        ("venues", of_venues),
        ("instructors", of_instructors),
        ("course templates", of_templates),
        ("events", of_events),
    ];
    for (entity, plan) in entities {
        for (local, remote, key) in [
            ([(1, "CM2"), (2, "cm2")], "CM2", "cm2"),
            ([(1, "CM2 A"), (2, " cm2\u{a0}  a ")], "Cm2 a", "cm2 a"),
            ([(1, "Straße"), (2, "STRASSE")], "strasse", "strasse"),
        ] {
            let (findings, links) = plan(local, remote);
            assert_eq!(links, [None], "{entity}: the row has no link");
            let [ambiguity] = findings.ambiguous.as_slice() else { panic!("{entity}: {findings:?}") };
            let candidates: Vec<i64> = ambiguity.local.iter().map(|record| record.id).collect();
            assert_eq!((ambiguity.key.as_str(), candidates, ambiguity.remote.len()), (key, vec![1, 2], 1), "{entity}");
            assert!(findings.unmatched_local.is_empty() && findings.unmatched_remote.is_empty(), "{entity}");
        }
    }
}
