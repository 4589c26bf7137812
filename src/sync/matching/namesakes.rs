//! The records of one name or code on both sides, and what becomes of them. Pure.

use super::links::{LinkState, Links};
use super::{Ambiguity, ExistingLink, LocalRecord, MatchKey, MatchResult, RemoteRecord, Separation};
use crate::bridges::overrides::OverrideKind;

/// All records with one key.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    pub(super) local: Vec<(LocalRecord, LinkState)>,
    pub(super) remote: Vec<(RemoteRecord, LinkState)>,
}

/// The counterparts that a free record could be linked with, if a user decided so.
struct Counterparts {
    /// The links of the group that stay.
    linked: Vec<(LocalRecord, RemoteRecord)>,
    /// Those that a user's decision rules out, with the decision.
    ruled_out: Vec<(Option<LocalRecord>, Option<RemoteRecord>, OverrideKind)>,
}

impl Namesakes {
    /// Adds the group's links, ambiguities and unmatched records to the result.
    pub(super) fn decide(self, key: MatchKey, links: &Links<'_>, matches: &mut MatchResult) {
        let counterparts = self.counterparts(links);
        let free = |state: LinkState| state == LinkState::Free;
        let local: Vec<LocalRecord> =
            self.local.into_iter().filter(|(_, state)| free(*state)).map(|(record, _)| record).collect();
        let remote: Vec<RemoteRecord> =
            self.remote.into_iter().filter(|(_, state)| free(*state)).map(|(record, _)| record).collect();
        if local.is_empty() && remote.is_empty() {
            return;
        }
        let may_link = |one: &LocalRecord, other: &RemoteRecord| {
            !links.overrides.unlinked.contains(&(one.id, other.external_id.clone()))
        };
        let linked = &counterparts.linked;
        let (candidates, alone): (Vec<_>, Vec<_>) = local.iter().cloned().partition(|one| {
            remote.iter().chain(linked.iter().map(|(_, other)| other)).any(|other| may_link(one, other))
        });
        let (remote_candidates, remote_alone): (Vec<_>, Vec<_>) = remote
            .iter()
            .cloned()
            .partition(|other| local.iter().chain(linked.iter().map(|(one, _)| one)).any(|one| may_link(one, other)));
        for one in &alone {
            let unlinked = remote.iter().chain(linked.iter().map(|(_, other)| other));
            let unlinked = unlinked.map(|other| (one.clone(), other.clone(), OverrideKind::Unlink));
            let ruled_out = counterparts.ruled_out.iter();
            let ruled_out = ruled_out.filter_map(|(_, other, kind)| Some((one.clone(), other.clone()?, *kind)));
            matches.separated.extend(unlinked.chain(ruled_out).map(separation));
        }
        for other in &remote_alone {
            let unlinked = local.iter().chain(linked.iter().map(|(one, _)| one));
            let unlinked = unlinked.filter(|one| !alone.contains(one));
            let unlinked = unlinked.map(|one| (one.clone(), other.clone(), OverrideKind::Unlink));
            let ruled_out = counterparts.ruled_out.iter();
            let ruled_out = ruled_out.filter_map(|(one, _, kind)| Some((one.clone()?, other.clone(), *kind)));
            matches.separated.extend(unlinked.chain(ruled_out).map(separation));
        }
        matches.unmatched_local.extend(alone);
        matches.unmatched_remote.extend(remote_alone);
        match (candidates.as_slice(), remote_candidates.as_slice()) {
            ([], []) => {}
            ([one], [other]) if linked.is_empty() => _ = matches.links.insert(other.external_id.clone(), one.id),
            _ => matches.ambiguous.push(ambiguity(key, candidates, remote_candidates, counterparts.linked)),
        }
    }

    /// Collects the linked and the ruled-out records of the group, with their partners of other names.
    fn counterparts(&self, links: &Links<'_>) -> Counterparts {
        let mut found = Counterparts { linked: Vec::new(), ruled_out: Vec::new() };
        for (one, state) in &self.local {
            match (state, links.remote_of(one.id)) {
                (LinkState::Linked, Some(other)) => found.linked.push((one.clone(), other)),
                (LinkState::Decided, other) => found.rule_out(Some(one.clone()), other, OverrideKind::Link),
                (LinkState::Ignored, _) => found.rule_out(Some(one.clone()), None, OverrideKind::Ignore),
                (LinkState::Free | LinkState::Linked, _) => {}
            }
        }
        for (other, state) in &self.remote {
            match (state, links.local_of(&other.external_id)) {
                (LinkState::Linked, Some(one)) => found.linked.push((one, other.clone())),
                (LinkState::Decided, one) => found.rule_out(one, Some(other.clone()), OverrideKind::Link),
                (LinkState::Ignored, _) => found.rule_out(None, Some(other.clone()), OverrideKind::Ignore),
                (LinkState::Free | LinkState::Linked, _) => {}
            }
        }
        found.linked.sort_by(|a, b| (a.0.id, &a.1.external_id).cmp(&(b.0.id, &b.1.external_id)));
        found.linked.dedup_by(|a, b| a.0.id == b.0.id);
        found
    }
}

impl Counterparts {
    /// Adds a pair once: the records of a pair may both be in the group.
    fn rule_out(&mut self, one: Option<LocalRecord>, other: Option<RemoteRecord>, kind: OverrideKind) {
        let entry = (one, other, kind);
        if !self.ruled_out.contains(&entry) {
            self.ruled_out.push(entry);
        }
    }
}

fn separation((local, remote, decision): (LocalRecord, RemoteRecord, OverrideKind)) -> Separation {
    Separation { local, remote, decision, command: String::new() }
}

/// Returns the ambiguity of free records. Where one side has none, its linked records are the choice.
fn ambiguity(
    key: MatchKey,
    local: Vec<LocalRecord>,
    remote: Vec<RemoteRecord>,
    linked: Vec<(LocalRecord, RemoteRecord)>,
) -> Ambiguity {
    let links = linked.iter().map(|(one, other)| ExistingLink { id: one.id, external_id: other.external_id.clone() });
    let links = links.collect();
    let (linked_local, linked_remote): (Vec<_>, Vec<_>) = linked.into_iter().unzip();
    Ambiguity {
        key: key.text,
        local: if local.is_empty() { linked_local } else { local },
        remote: if remote.is_empty() { linked_remote } else { remote },
        linked: links,
        commands: Vec::new(),
    }
}
