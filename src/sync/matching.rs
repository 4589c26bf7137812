//! Who is who: pairs our records with Administrate's by a key, and never guesses.
//!
//! One record on each side is a match. Several on either side are ambiguous: all of them are told and none is linked.
//! A record without a key (no code, no name, no linked location) matches nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::bridges::overrides::MatchOverrides;
use crate::names::{NameSet, fold};

/// By what two records are taken for the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey {
    /// A folded code or name.
    pub text: String,
    /// Our id of the record within which it holds, for venues their location's.
    pub within: Option<i64>,
}

impl MatchKey {
    /// A key that holds everywhere; none for a blank text.
    pub fn of(text: &str) -> Option<MatchKey> {
        let text = fold(text);
        (!text.is_empty()).then_some(MatchKey { text, within: None })
    }

    /// A key that holds within one record; none for a blank text or where that record is unknown.
    pub fn of_within(text: &str, within: Option<i64>) -> Option<MatchKey> {
        within.and_then(|_| MatchKey::of(text)).map(|key| MatchKey { within, ..key })
    }
}

/// A record of ours that may be linked.
#[derive(Debug, Clone)]
pub struct LocalCandidate {
    /// Who it is, for reports.
    pub record: LocalRecord,
    /// By what it is matched.
    pub key: Option<MatchKey>,
}

/// A record of Administrate's that may be linked.
#[derive(Debug, Clone)]
pub struct RemoteCandidate {
    /// Who it is, for reports.
    pub record: RemoteRecord,
    /// By what it is matched.
    pub key: Option<MatchKey>,
}

/// A record of ours as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalRecord {
    /// Our id.
    pub id: i64,
    /// Name; a template's code, an instructor's "First Last".
    pub name: String,
    /// Names on the other side that it may have meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
}

/// A record of Administrate's as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRecord {
    /// Their id.
    pub external_id: String,
    /// Name; a template's code, a contact's "First Last".
    pub name: String,
    /// Names on our side that it may have meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
}

impl LocalRecord {
    /// A record without suggestions.
    pub fn new(id: i64, name: impl Into<String>) -> Self {
        LocalRecord { id, name: name.into(), suggestions: Vec::new() }
    }
}

impl RemoteRecord {
    /// A record without suggestions.
    pub fn new(external_id: impl Into<String>, name: impl Into<String>) -> Self {
        RemoteRecord { external_id: external_id.into(), name: name.into(), suggestions: Vec::new() }
    }
}

/// Records that could be each other, of which a person must choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambiguity {
    /// The folded code or name that they share.
    pub key: String,
    /// All of ours with it.
    pub local: Vec<LocalRecord>,
    /// All of theirs with it.
    pub remote: Vec<RemoteRecord>,
}

/// Who was found to be who.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchResult {
    /// Our id by theirs.
    pub links: HashMap<String, i64>,
    /// Ours that nobody of theirs is.
    pub unmatched_local: Vec<LocalRecord>,
    /// Theirs that nobody of ours is.
    pub unmatched_remote: Vec<RemoteRecord>,
    /// Where several could be meant.
    pub ambiguous: Vec<Ambiguity>,
    /// Theirs that a person has decided to leave out.
    pub ignored: HashSet<String>,
}

/// Pairs both sides: first as a person has decided, the rest by key. Lists come out ordered by name.
pub fn match_records(
    mut ours: Vec<LocalCandidate>,
    mut theirs: Vec<RemoteCandidate>,
    overrides: &MatchOverrides,
) -> MatchResult {
    let mut pairing = apply_overrides(&mut ours, &mut theirs, overrides);
    let mut groups: BTreeMap<MatchKey, (Vec<LocalRecord>, Vec<RemoteRecord>)> = BTreeMap::new();
    for LocalCandidate { record, key } in ours {
        match key {
            Some(key) => groups.entry(key).or_default().0.push(record),
            None => pairing.unmatched_local.push(record),
        }
    }
    for RemoteCandidate { record, key } in theirs {
        match key {
            Some(key) => groups.entry(key).or_default().1.push(record),
            None => pairing.unmatched_remote.push(record),
        }
    }
    for (key, (mut local, mut remote)) in groups {
        exclude_unlinked(&mut pairing, &mut local, &mut remote, &overrides.unlinked);
        match (local.as_slice(), remote.as_slice()) {
            ([one], [other]) => {
                pairing.links.insert(other.external_id.clone(), one.id);
            }
            (_, []) => pairing.unmatched_local.extend(local),
            ([], _) => pairing.unmatched_remote.extend(remote),
            _ => pairing.ambiguous.push(Ambiguity { key: key.text, local, remote }),
        }
    }
    pairing.unmatched_local.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    pairing.unmatched_remote.sort_by(|a, b| (&a.name, &a.external_id).cmp(&(&b.name, &b.external_id)));
    add_suggestions(&mut pairing);
    pairing
}

/// Takes everybody out about whom a person has decided.
fn apply_overrides(
    ours: &mut Vec<LocalCandidate>,
    theirs: &mut Vec<RemoteCandidate>,
    overrides: &MatchOverrides,
) -> MatchResult {
    ours.retain(|candidate| !overrides.ignored_local.contains(&candidate.record.id));
    theirs.retain(|counterpart| !overrides.ignored_remote.contains(&counterpart.record.external_id));
    let here: HashSet<i64> = ours.iter().map(|candidate| candidate.record.id).collect();
    let link = |counterpart: &RemoteCandidate| {
        let external_id = &counterpart.record.external_id;
        overrides
            .linked
            .get(external_id)
            .filter(|local| here.contains(local))
            .map(|local| (external_id.clone(), *local))
    };
    let links: HashMap<String, i64> = theirs.iter().filter_map(link).collect();
    let taken: HashSet<i64> = links.values().copied().collect();
    ours.retain(|candidate| !taken.contains(&candidate.record.id));
    theirs.retain(|counterpart| !links.contains_key(&counterpart.record.external_id));
    MatchResult { links, ignored: overrides.ignored_remote.clone(), ..MatchResult::default() }
}

/// Whoever is known to be none of those on the other side is unmatched.
fn exclude_unlinked(
    pairing: &mut MatchResult,
    local: &mut Vec<LocalRecord>,
    remote: &mut Vec<RemoteRecord>,
    apart: &HashSet<(i64, String)>,
) {
    let differ = |one: &LocalRecord, other: &RemoteRecord| apart.contains(&(one.id, other.external_id.clone()));
    if apart.is_empty() || local.is_empty() || remote.is_empty() {
        return;
    }
    let alone: Vec<LocalRecord> = local.extract_if(.., |one| remote.iter().all(|other| differ(one, other))).collect();
    pairing
        .unmatched_remote
        .extend(remote.extract_if(.., |other| local.iter().chain(&alone).all(|one| differ(one, other))));
    pairing.unmatched_local.extend(alone);
}

/// Comparing every unmatched name with every other is quadratic; beyond this many pairs nobody reads suggestions.
const MAX_COMPARISONS: usize = 250_000;

fn add_suggestions(pairing: &mut MatchResult) {
    let (local, remote) = (&mut pairing.unmatched_local, &mut pairing.unmatched_remote);
    if local.len().saturating_mul(remote.len()) > MAX_COMPARISONS {
        return;
    }
    let here = NameSet::new(local.iter().map(|record| record.name.as_str()));
    for record in remote.iter_mut() {
        record.suggestions = here.nearest(&record.name);
    }
    let there = NameSet::new(remote.iter().map(|record| record.name.as_str()));
    for record in local.iter_mut() {
        record.suggestions = there.nearest(&record.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(records: &[(i64, &str)]) -> Vec<LocalCandidate> {
        let candidate =
            |(id, name): &(i64, &str)| LocalCandidate { record: LocalRecord::new(*id, *name), key: MatchKey::of(name) };
        records.iter().map(candidate).collect()
    }

    fn theirs(records: &[(&str, &str)]) -> Vec<RemoteCandidate> {
        let counterpart = |(id, name): &(&str, &str)| RemoteCandidate {
            record: RemoteRecord::new(*id, *name),
            key: MatchKey::of(name),
        };
        records.iter().map(counterpart).collect()
    }

    /// Links, unmatched here, unmatched there, ambiguous keys.
    type MatchedNames = (Vec<(String, i64)>, Vec<i64>, Vec<String>, Vec<String>);

    fn found(here: &[(i64, &str)], there: &[(&str, &str)]) -> MatchedNames {
        let pairing = match_records(ours(here), theirs(there), &MatchOverrides::default());
        let mut links: Vec<_> = pairing.links.into_iter().collect();
        links.sort();
        (
            links,
            pairing.unmatched_local.into_iter().map(|record| record.id).collect(),
            pairing.unmatched_remote.into_iter().map(|record| record.external_id).collect(),
            pairing.ambiguous.into_iter().map(|ambiguity| ambiguity.key).collect(),
        )
    }

    #[test]
    fn one_on_each_side_is_a_match_whatever_the_case() {
        let (links, here, there, ambiguous) =
            found(&[(1, "cm2"), (2, "Straße  9")], &[("A", "CM2"), ("B", "STRASSE 9")]);
        assert_eq!(links, [("A".to_owned(), 1), ("B".to_owned(), 2)]);
        assert!(here.is_empty() && there.is_empty() && ambiguous.is_empty());
    }

    #[test]
    fn several_on_either_side_are_ambiguous_and_nothing_else() {
        for (here, there) in [
            (vec![(1, "CM2")], vec![("A", "CM2"), ("B", "cm2")]),
            (vec![(1, "CM2"), (2, "cm2")], vec![("A", "CM2")]),
            (vec![(1, "CM2"), (2, "cm2")], vec![("A", "CM2"), ("B", "cm2")]),
        ] {
            assert_eq!(found(&here, &there), (vec![], vec![], vec![], vec!["cm2".to_owned()]));
        }
    }

    #[test]
    fn several_on_one_side_alone_are_unmatched() {
        let (links, here, there, ambiguous) = found(&[(1, "SA1"), (2, "sa1")], &[("A", "CB3"), ("B", "cb3")]);
        assert!(links.is_empty() && ambiguous.is_empty());
        assert_eq!((here, there), (vec![1, 2], vec!["A".to_owned(), "B".to_owned()]));
    }

    #[test]
    fn blank_names_never_match_each_other() {
        let (links, here, there, _) = found(&[(1, " ")], &[("A", "")]);
        assert_eq!((links.len(), here, there), (0, vec![1], vec!["A".to_owned()]));
    }

    #[test]
    fn a_key_holds_within_its_record_only() {
        assert_eq!(MatchKey::of_within("Room A", None), None);
        assert_ne!(MatchKey::of_within("Room A", Some(1)), MatchKey::of_within("Room A", Some(2)));
        assert_eq!(MatchKey::of_within(" room  a", Some(1)), MatchKey::of_within("Room A", Some(1)));
    }

    #[test]
    fn the_closest_name_on_the_other_side_is_suggested() {
        let pairing = match_records(
            ours(&[(1, "Edinburgh"), (2, "Leeds")]),
            theirs(&[("A", "Edinburg"), ("B", "Cork")]),
            &MatchOverrides::default(),
        );
        assert_eq!(pairing.unmatched_local[0].suggestions, ["Edinburg"]);
        assert!(pairing.unmatched_local[1].suggestions.is_empty());
        assert_eq!(pairing.unmatched_remote[1].suggestions, ["Edinburgh"]);
    }
}
