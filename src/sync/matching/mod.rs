//! Record matching: pairs local records with Administrate's by a key.
//!
//! A link that exists stays as long as both of its records exist, whatever their names are. Of the other records, one
//! with a key on each side is a match; several on either side are ambiguous: all are reported and none is linked. A
//! record with the name of a linked one is ambiguous too, alone. A record without a key (no code, no name, no linked
//! location) matches nothing.

mod links;
mod namesakes;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::links::{LinkState, Links};
use self::namesakes::Namesakes;
use crate::bridges::overrides::{MatchOverrides, OverrideKind};
use crate::bridges::reference::LinkRow;
use crate::names::{NameSet, fold};

/// The key of a record. Records with equal keys match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey {
    /// A folded code or name.
    pub text: String,
    /// The local id of the record within which the key is unique: the location of a venue.
    pub within: Option<i64>,
}

impl MatchKey {
    /// Returns a key without a scope; none for a blank text.
    pub fn of(text: &str) -> Option<MatchKey> {
        let text = fold(text);
        (!text.is_empty()).then_some(MatchKey { text, within: None })
    }

    /// Returns a key within one record; none for a blank text or an unknown record.
    pub fn of_within(text: &str, within: Option<i64>) -> Option<MatchKey> {
        within.and_then(|_| MatchKey::of(text)).map(|key| MatchKey { within, ..key })
    }
}

/// A local record that may be linked.
#[derive(Debug, Clone)]
pub struct LocalCandidate {
    pub record: LocalRecord,
    /// None if the record matches nothing.
    pub key: Option<MatchKey>,
}

/// A record of Administrate that may be linked.
#[derive(Debug, Clone)]
pub struct RemoteCandidate {
    pub record: RemoteRecord,
    /// None if the record matches nothing.
    pub key: Option<MatchKey>,
}

/// A local record in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalRecord {
    /// The local id.
    pub id: i64,
    /// Name; a template's code, an instructor's "First Last".
    pub name: String,
    /// Similar names in Administrate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
}

/// A record of Administrate in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRecord {
    /// Administrate's id.
    pub external_id: String,
    /// Name; a template's code, a contact's "First Last".
    pub name: String,
    /// Similar local names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
}

impl LocalRecord {
    /// Returns a record without suggestions.
    pub fn new(id: i64, name: impl Into<String>) -> Self {
        LocalRecord { id, name: name.into(), suggestions: Vec::new() }
    }
}

impl RemoteRecord {
    /// Returns a record without suggestions.
    pub fn new(external_id: impl Into<String>, name: impl Into<String>) -> Self {
        RemoteRecord { external_id: external_id.into(), name: name.into(), suggestions: Vec::new() }
    }
}

/// Records with one key that cannot be matched without a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambiguity {
    /// The folded code or name that they share.
    pub key: String,
    /// The local records to choose from. Linked ones only where no other has the key.
    pub local: Vec<LocalRecord>,
    /// The remote records to choose from. Linked ones only where no other has the key.
    pub remote: Vec<RemoteRecord>,
    /// The links between records of this name. They stay until a user decides otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<ExistingLink>,
    /// The commands that decide, one for each choice; empty in plans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

/// A link that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingLink {
    /// The local id.
    pub id: i64,
    /// Administrate's id.
    pub external_id: String,
}

/// Two records of one name that a user's decision keeps apart. Neither is created on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Separation {
    pub local: LocalRecord,
    pub remote: RemoteRecord,
    pub decision: OverrideKind,
    /// The command that links them; empty in plans.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
}

/// The links between both sides, and the records without a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchResult {
    /// Local ids by Administrate's ids.
    pub links: HashMap<String, i64>,
    /// Local records that match no remote one.
    pub unmatched_local: Vec<LocalRecord>,
    /// Remote records that match no local one.
    pub unmatched_remote: Vec<RemoteRecord>,
    pub ambiguous: Vec<Ambiguity>,
    /// Unmatched records with a namesake that they must not be linked with.
    pub separated: Vec<Separation>,
    /// Administrate's ids of the records that are set to be ignored.
    pub ignored: HashSet<String>,
}

/// Matches both sides: first by the saved overrides, then by the links of the stored rows, then by key. The lists of
/// the result are ordered by name.
pub fn match_records<R: LinkRow>(
    local: Vec<LocalCandidate>,
    remote: Vec<RemoteCandidate>,
    rows: &[R],
    overrides: &MatchOverrides,
) -> MatchResult {
    let links = Links::of(&local, &remote, rows, overrides);
    let mut matches = MatchResult { ignored: overrides.ignored_remote.clone(), ..MatchResult::default() };
    let mut groups: BTreeMap<MatchKey, Namesakes> = BTreeMap::new();
    for LocalCandidate { record, key } in local {
        match (key, links.state_of_local(record.id)) {
            (Some(key), state) => groups.entry(key).or_default().local.push((record, state)),
            (None, LinkState::Free) => matches.unmatched_local.push(record),
            (None, _) => {}
        }
    }
    for RemoteCandidate { record, key } in remote {
        match (key, links.state_of_remote(&record.external_id)) {
            (Some(key), state) => groups.entry(key).or_default().remote.push((record, state)),
            (None, LinkState::Free) => matches.unmatched_remote.push(record),
            (None, _) => {}
        }
    }
    for (key, group) in groups {
        group.decide(key, &links, &mut matches);
    }
    matches.links.extend(links.into_links());
    matches.unmatched_local.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    matches.unmatched_remote.sort_by(|a, b| (&a.name, &a.external_id).cmp(&(&b.name, &b.external_id)));
    add_suggestions(&mut matches);
    matches
}

/// Most pairs of names to compare for suggestions. The comparison is quadratic, and longer lists are not read.
const MAX_COMPARISONS: usize = 250_000;

/// Adds similar names of the other side to the unmatched records.
fn add_suggestions(matches: &mut MatchResult) {
    let (local, remote) = (&mut matches.unmatched_local, &mut matches.unmatched_remote);
    if local.len().saturating_mul(remote.len()) > MAX_COMPARISONS {
        return;
    }
    let local_names = NameSet::new(local.iter().map(|record| record.name.as_str()));
    for record in remote.iter_mut() {
        record.suggestions = local_names.nearest(&record.name);
    }
    let remote_names = NameSet::new(remote.iter().map(|record| record.name.as_str()));
    for record in local.iter_mut() {
        record.suggestions = remote_names.nearest(&record.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::reference::LocationRow;

    fn rows(links: &[(&str, i64)]) -> Vec<LocationRow> {
        let row = |(id, local): &(&str, i64)| LocationRow {
            external_id: (*id).into(),
            legacy_id: None,
            tutorial_location_id: Some(*local),
        };
        links.iter().map(row).collect()
    }

    fn local(records: &[(i64, &str)]) -> Vec<LocalCandidate> {
        let candidate =
            |(id, name): &(i64, &str)| LocalCandidate { record: LocalRecord::new(*id, *name), key: MatchKey::of(name) };
        records.iter().map(candidate).collect()
    }

    fn remote(records: &[(&str, &str)]) -> Vec<RemoteCandidate> {
        let remote_candidate = |(id, name): &(&str, &str)| RemoteCandidate {
            record: RemoteRecord::new(*id, *name),
            key: MatchKey::of(name),
        };
        records.iter().map(remote_candidate).collect()
    }

    /// Links, unmatched local ids, unmatched remote ids, ambiguous keys.
    type MatchedNames = (Vec<(String, i64)>, Vec<i64>, Vec<String>, Vec<String>);

    fn match_names(locals: &[(i64, &str)], remotes: &[(&str, &str)]) -> MatchedNames {
        let matches = match_records(local(locals), remote(remotes), &rows(&[]), &MatchOverrides::default());
        let mut links: Vec<_> = matches.links.into_iter().collect();
        links.sort();
        (
            links,
            matches.unmatched_local.into_iter().map(|record| record.id).collect(),
            matches.unmatched_remote.into_iter().map(|record| record.external_id).collect(),
            matches.ambiguous.into_iter().map(|ambiguity| ambiguity.key).collect(),
        )
    }

    #[test]
    fn one_record_on_each_side_matches_in_any_case() {
        let (links, locals, remotes, ambiguous) =
            match_names(&[(1, "cm2"), (2, "Straße  9")], &[("A", "CM2"), ("B", "STRASSE 9")]);
        assert_eq!(links, [("A".to_owned(), 1), ("B".to_owned(), 2)]);
        assert!(locals.is_empty() && remotes.is_empty() && ambiguous.is_empty());
    }

    #[test]
    fn several_records_on_either_side_are_ambiguous() {
        for (locals, remotes) in [
            (vec![(1, "CM2")], vec![("A", "CM2"), ("B", "cm2")]),
            (vec![(1, "CM2"), (2, "cm2")], vec![("A", "CM2")]),
            (vec![(1, "CM2"), (2, "cm2")], vec![("A", "CM2"), ("B", "cm2")]),
        ] {
            assert_eq!(match_names(&locals, &remotes), (vec![], vec![], vec![], vec!["cm2".to_owned()]));
        }
    }

    #[test]
    fn several_records_on_one_side_only_are_unmatched() {
        let (links, locals, remotes, ambiguous) = match_names(&[(1, "SA1"), (2, "sa1")], &[("A", "CB3"), ("B", "cb3")]);
        assert!(links.is_empty() && ambiguous.is_empty());
        assert_eq!((locals, remotes), (vec![1, 2], vec!["A".to_owned(), "B".to_owned()]));
    }

    #[test]
    fn blank_names_are_unmatched() {
        let (links, locals, remotes, _) = match_names(&[(1, " ")], &[("A", "")]);
        assert_eq!((links.len(), locals, remotes), (0, vec![1], vec!["A".to_owned()]));
    }

    #[test]
    fn key_within_a_record_matches_only_there() {
        assert_eq!(MatchKey::of_within("Room A", None), None);
        assert_ne!(MatchKey::of_within("Room A", Some(1)), MatchKey::of_within("Room A", Some(2)));
        assert_eq!(MatchKey::of_within(" room  a", Some(1)), MatchKey::of_within("Room A", Some(1)));
    }

    #[test]
    fn closest_name_of_the_other_side_is_suggested() {
        let matches = match_records(
            local(&[(1, "Edinburgh"), (2, "Leeds")]),
            remote(&[("A", "Edinburg"), ("B", "Cork")]),
            &rows(&[]),
            &MatchOverrides::default(),
        );
        assert_eq!(matches.unmatched_local[0].suggestions, ["Edinburg"]);
        assert!(matches.unmatched_local[1].suggestions.is_empty());
        assert_eq!(matches.unmatched_remote[1].suggestions, ["Edinburgh"]);
    }

    /// Returns the links, the ambiguities as local ids and remote ids, and the unmatched records.
    fn with_links(locals: &[(i64, &str)], remotes: &[(&str, &str)], links: &[(&str, i64)]) -> String {
        let matches = match_records(local(locals), remote(remotes), &rows(links), &MatchOverrides::default());
        let mut linked: Vec<_> = matches.links.iter().map(|(id, local)| format!("{id}{local}")).collect();
        linked.sort();
        let ambiguous = matches.ambiguous.iter().map(|ambiguity| {
            let local: String = ambiguity.local.iter().map(|record| record.id.to_string()).collect();
            let remote: String = ambiguity.remote.iter().map(|record| record.external_id.as_str()).collect();
            format!("?{local}/{remote}")
        });
        let alone = matches.unmatched_local.iter().map(|record| format!("-{}", record.id));
        let alone = alone.chain(matches.unmatched_remote.iter().map(|record| format!("-{}", record.external_id)));
        linked.into_iter().chain(ambiguous).chain(alone).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn existing_link_survives_every_namesake() {
        let leeds = (1, "Leeds");
        for (name, locals, remotes, links, expected) in [
            ("local", vec![leeds, (2, "LEEDS")], vec![("A", "Leeds")], vec![("A", 1)], "A1 ?2/A"),
            ("remote", vec![leeds], vec![("A", "Leeds"), ("B", "leeds")], vec![("A", 1)], "A1 ?1/B"),
            ("both", vec![leeds, (2, "Leeds")], vec![("A", "Leeds"), ("B", "leeds")], vec![("A", 1)], "A1 ?2/B"),
            (
                "two links",
                vec![leeds, (2, "Leeds")],
                vec![("A", "Leeds"), ("B", "leeds")],
                vec![("A", 1), ("B", 2)],
                "A1 B2",
            ),
            ("renamed here", vec![(1, "York")], vec![("A", "Leeds")], vec![("A", 1)], "A1"),
            ("renamed there", vec![leeds], vec![("A", "Hull"), ("B", "Leeds")], vec![("A", 1)], "A1 ?1/B"),
            (
                "renamed here to another",
                vec![(1, "York"), (2, "Leeds")],
                vec![("A", "Leeds")],
                vec![("A", 1)],
                "A1 ?2/A",
            ),
            (
                "exchanged names",
                vec![(1, "York"), (2, "Leeds")],
                vec![("A", "Leeds"), ("B", "York")],
                vec![("A", 1), ("B", 2)],
                "A1 B2",
            ),
            ("inactive here", vec![(2, "Leeds")], vec![("A", "Leeds")], vec![("A", 1)], "A1 ?2/A"),
            ("blank there", vec![leeds], vec![("A", " ")], vec![("A", 1)], "A1"),
            ("gone there", vec![leeds], vec![("B", "Leeds")], vec![("A", 1)], "B1"),
            (
                "two rows, one record",
                vec![leeds],
                vec![("A", "Hull"), ("B", "Leeds")],
                vec![("A", 1), ("B", 1)],
                "B1 -A",
            ),
        ] {
            assert_eq!(with_links(&locals, &remotes, &links), expected, "{name}");
        }
    }

    #[test]
    fn decision_separates_namesakes() {
        let decided = |overrides: MatchOverrides| {
            let matches =
                match_records(local(&[(1, "Leeds")]), remote(&[("A", "Leeds")]), &rows(&[("A", 1)]), &overrides);
            let separated = matches.separated.iter();
            separated.map(|one| (one.local.id, one.remote.external_id.clone(), one.decision)).collect::<Vec<_>>()
        };
        let default = MatchOverrides::default;
        let pair = |decision| vec![(1, "A".to_owned(), decision)];
        assert_eq!(decided(default()), []);
        let unlinked = MatchOverrides { unlinked: [(1, "A".to_owned())].into(), ..default() };
        assert_eq!(decided(unlinked), pair(OverrideKind::Unlink));
        assert_eq!(decided(MatchOverrides { ignored_local: [1].into(), ..default() }), pair(OverrideKind::Ignore));
        let ignored = MatchOverrides { ignored_remote: ["A".to_owned()].into(), ..default() };
        assert_eq!(decided(ignored.clone()), pair(OverrideKind::Ignore));
        assert_eq!(decided(MatchOverrides { ignored_local: [1].into(), ..ignored }), [], "both are left out");
    }
}
