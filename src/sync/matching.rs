//! Record matching: pairs local records with Administrate's by a key.
//!
//! One record with a key on each side is a match. Several on either side are ambiguous: all are reported and none is
//! linked. A record without a key (no code, no name, no linked location) matches nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::bridges::overrides::MatchOverrides;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambiguity {
    /// The folded code or name that they share.
    pub key: String,
    /// All local records with the key.
    pub local: Vec<LocalRecord>,
    /// All remote records with the key.
    pub remote: Vec<RemoteRecord>,
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
    /// Administrate's ids of the records that are set to be ignored.
    pub ignored: HashSet<String>,
}

/// Matches both sides: first by the saved overrides, then by key. The lists of the result are ordered by name.
pub fn match_records(
    mut local: Vec<LocalCandidate>,
    mut remote: Vec<RemoteCandidate>,
    overrides: &MatchOverrides,
) -> MatchResult {
    let mut matches = apply_overrides(&mut local, &mut remote, overrides);
    let mut groups: BTreeMap<MatchKey, (Vec<LocalRecord>, Vec<RemoteRecord>)> = BTreeMap::new();
    for LocalCandidate { record, key } in local {
        match key {
            Some(key) => groups.entry(key).or_default().0.push(record),
            None => matches.unmatched_local.push(record),
        }
    }
    for RemoteCandidate { record, key } in remote {
        match key {
            Some(key) => groups.entry(key).or_default().1.push(record),
            None => matches.unmatched_remote.push(record),
        }
    }
    for (key, (mut local, mut remote)) in groups {
        exclude_unlinked(&mut matches, &mut local, &mut remote, &overrides.unlinked);
        match (local.as_slice(), remote.as_slice()) {
            ([one], [other]) => {
                matches.links.insert(other.external_id.clone(), one.id);
            }
            (_, []) => matches.unmatched_local.extend(local),
            ([], _) => matches.unmatched_remote.extend(remote),
            _ => matches.ambiguous.push(Ambiguity { key: key.text, local, remote }),
        }
    }
    matches.unmatched_local.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    matches.unmatched_remote.sort_by(|a, b| (&a.name, &a.external_id).cmp(&(&b.name, &b.external_id)));
    add_suggestions(&mut matches);
    matches
}

/// Removes the records that overrides link or ignore, and returns their links.
fn apply_overrides(
    local: &mut Vec<LocalCandidate>,
    remote: &mut Vec<RemoteCandidate>,
    overrides: &MatchOverrides,
) -> MatchResult {
    local.retain(|candidate| !overrides.ignored_local.contains(&candidate.record.id));
    remote.retain(|candidate| !overrides.ignored_remote.contains(&candidate.record.external_id));
    let known: HashSet<i64> = local.iter().map(|candidate| candidate.record.id).collect();
    let link = |candidate: &RemoteCandidate| {
        let external_id = &candidate.record.external_id;
        overrides
            .linked
            .get(external_id)
            .filter(|local| known.contains(local))
            .map(|local| (external_id.clone(), *local))
    };
    let links: HashMap<String, i64> = remote.iter().filter_map(link).collect();
    let taken: HashSet<i64> = links.values().copied().collect();
    local.retain(|candidate| !taken.contains(&candidate.record.id));
    remote.retain(|candidate| !links.contains_key(&candidate.record.external_id));
    MatchResult { links, ignored: overrides.ignored_remote.clone(), ..MatchResult::default() }
}

/// Moves records that overrides unlink from all of the other side to the unmatched ones.
fn exclude_unlinked(
    matches: &mut MatchResult,
    local: &mut Vec<LocalRecord>,
    remote: &mut Vec<RemoteRecord>,
    unlinked: &HashSet<(i64, String)>,
) {
    let differ = |one: &LocalRecord, other: &RemoteRecord| unlinked.contains(&(one.id, other.external_id.clone()));
    if unlinked.is_empty() || local.is_empty() || remote.is_empty() {
        return;
    }
    let alone: Vec<LocalRecord> = local.extract_if(.., |one| remote.iter().all(|other| differ(one, other))).collect();
    matches
        .unmatched_remote
        .extend(remote.extract_if(.., |other| local.iter().chain(&alone).all(|one| differ(one, other))));
    matches.unmatched_local.extend(alone);
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
        let matches = match_records(local(locals), remote(remotes), &MatchOverrides::default());
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
            &MatchOverrides::default(),
        );
        assert_eq!(matches.unmatched_local[0].suggestions, ["Edinburg"]);
        assert!(matches.unmatched_local[1].suggestions.is_empty());
        assert_eq!(matches.unmatched_remote[1].suggestions, ["Edinburgh"]);
    }
}
