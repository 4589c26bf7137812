//! Records of ours whose names or codes differ only in case or white space, as adopted databases have them: a person
//! chooses, for every entity.

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

/// What was found, and the links of the rows as they would stand.
fn told<R: LinkRow>(plan: SyncPlan<R>) -> (Findings, Vec<Option<i64>>) {
    let links = plan.over(&[]).iter().map(LinkRow::link).collect();
    (plan.findings, links)
}

fn of_locations(ours: [(i64, &str); 2], theirs: &str) -> (Findings, Vec<Option<i64>>) {
    told(locations::plan(&named(&ours), remote_locations(&[("A", theirs)]), &[], &MatchOverrides::default()))
}

fn of_venues(ours: [(i64, &str); 2], theirs: &str) -> (Findings, Vec<Option<i64>>) {
    let venue = |(id, name): (i64, &str)| NamedVenue { id, name: name.into(), location_id: Some(7) };
    let location = bridges::LocationRow { external_id: "L".into(), legacy_id: None, tutorial_location_id: Some(7) };
    let remote = remote::RemoteVenue { external_id: "A".into(), name: theirs.into(), location: Some("L".into()) };
    told(venues::plan(&ours.map(venue), vec![remote], &[location], &[], &MatchOverrides::default()))
}

fn of_instructors(ours: [(i64, &str); 2], theirs: &str) -> (Findings, Vec<Option<i64>>) {
    let people = RemotePeople { instructors: vec![contact("A", theirs, "")], administrators: vec![] };
    told(instructors::plan(&named(&ours), people, &[], &[], &MatchOverrides::default()))
}

fn of_templates(ours: [(i64, &str); 2], theirs: &str) -> (Findings, Vec<Option<i64>>) {
    let template = remote::RemoteCourseTemplate {
        external_id: "A".into(),
        code: theirs.into(),
        title: "Models".into(),
        learning_mode: None,
        custom_fields: BTreeMap::new(),
        approved: vec![],
    };
    told(course_templates::plan(&named(&ours), vec![template], &[], &[], &MatchOverrides::default()))
}

fn of_events(ours: [(i64, &str); 2], theirs: &str) -> (Findings, Vec<Option<i64>>) {
    let offer = |(id, code): (i64, &str)| Availability {
        id,
        code: code.into(),
        is_soldout: false,
        remain_space: 3,
        sessions: vec![],
    };
    let known = events::LocalEvents {
        offers: ours.map(offer).into(),
        undelivered: HashMap::new(),
        references: HashSet::new(),
        time_zone: TimeZone::UTC,
        held: HashMap::new(),
        directory: None,
        winners: BTreeMap::new(),
    };
    let event = serde_json::from_value(json!({ "id": "A", "title": theirs })).expect("an event");
    told(events::plan(&known, vec![event], &[], &MatchOverrides::default()))
}

#[test]
fn names_that_differ_only_in_case_or_blanks_are_told_and_not_linked() {
    type Planner = fn([(i64, &str); 2], &str) -> (Findings, Vec<Option<i64>>);
    let entities: [(&str, Planner); 5] = [
        ("locations", of_locations),
        ("venues", of_venues),
        ("instructors", of_instructors),
        ("course templates", of_templates),
        ("events", of_events),
    ];
    for (entity, plan) in entities {
        for (ours, theirs, key) in [
            ([(1, "CM2"), (2, "cm2")], "CM2", "cm2"),
            ([(1, "CM2 A"), (2, " cm2\u{a0}  a ")], "Cm2 a", "cm2 a"),
            ([(1, "Straße"), (2, "STRASSE")], "strasse", "strasse"),
        ] {
            let (findings, links) = plan(ours, theirs);
            assert_eq!(links, [None], "{entity}: the row stands without a link");
            let [ambiguity] = findings.ambiguous.as_slice() else { panic!("{entity}: {findings:?}") };
            let candidates: Vec<i64> = ambiguity.local.iter().map(|record| record.id).collect();
            assert_eq!((ambiguity.key.as_str(), candidates, ambiguity.remote.len()), (key, vec![1, 2], 1), "{entity}");
            assert!(findings.unmatched_local.is_empty() && findings.unmatched_remote.is_empty(), "{entity}");
        }
    }
}
