//! The links that hold before names are compared: those that a user decided, and those of the stored rows. Pure.

use std::collections::{HashMap, HashSet};

use super::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::LinkRow;

/// Whether a record takes part in matching by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkState {
    Free,
    /// Its link is stored and stays.
    Linked,
    /// A user decided its link.
    Decided,
    /// A user decided that it is left out.
    Ignored,
}

/// The links that hold before names are compared.
#[derive(Debug)]
pub(super) struct Links<'a> {
    pub(super) overrides: &'a MatchOverrides,
    local: HashMap<String, i64>,
    remote: HashMap<i64, String>,
    decided: HashSet<String>,
    local_names: HashMap<i64, String>,
    remote_names: HashMap<String, String>,
}

impl<'a> Links<'a> {
    pub(super) fn of<R: LinkRow>(
        local: &[LocalCandidate],
        remote: &[RemoteCandidate],
        rows: &[R],
        overrides: &'a MatchOverrides,
    ) -> Self {
        let name = |candidate: &LocalCandidate| (candidate.record.id, candidate.record.name.clone());
        let remote_name =
            |candidate: &RemoteCandidate| (candidate.record.external_id.clone(), candidate.record.name.clone());
        let mut links = Links {
            overrides,
            local: HashMap::new(),
            remote: HashMap::new(),
            decided: HashSet::new(),
            local_names: local.iter().map(name).collect(),
            remote_names: remote.iter().map(remote_name).collect(),
        };
        for candidate in remote {
            let external_id = &candidate.record.external_id;
            let decided = overrides.linked.get(external_id).copied();
            let is_known =
                |local: &i64| links.local_names.contains_key(local) && !links.is_ignored(*local, external_id);
            if let Some(local) = decided.filter(is_known) {
                links.decided.insert(external_id.clone());
                links.add(external_id, local);
            }
        }
        let stored = links.stored(local, remote, rows);
        stored.into_iter().for_each(|(external_id, local)| links.add(&external_id, local));
        links
    }

    /// Returns the stored links whose records both exist and that no decision contradicts.
    ///
    /// A local record that has no candidate is inactive: the database removes the links of deleted ones. Of several
    /// rows that are linked with one record, the one with its name keeps the link, else the oldest.
    fn stored<R: LinkRow>(
        &self,
        local: &[LocalCandidate],
        remote: &[RemoteCandidate],
        rows: &[R],
    ) -> Vec<(String, i64)> {
        let keys: HashMap<&str, Option<&MatchKey>> =
            remote.iter().map(|other| (other.record.external_id.as_str(), other.key.as_ref())).collect();
        let local_keys: HashMap<i64, Option<&MatchKey>> =
            local.iter().map(|one| (one.record.id, one.key.as_ref())).collect();
        let mut retained: HashMap<i64, (&str, bool)> = HashMap::new();
        for row in rows {
            let (Some(local), external_id) = (row.link(), row.external_id()) else { continue };
            let Some(key) = keys.get(external_id) else { continue };
            let is_taken = self.remote.contains_key(&local) || self.local.contains_key(external_id);
            let is_separated = self.overrides.unlinked.contains(&(local, external_id.to_owned()));
            if is_taken || is_separated || self.is_ignored(local, external_id) {
                continue;
            }
            let has_its_name = key.is_some() && local_keys.get(&local).is_some_and(|local_key| local_key == key);
            let entry = retained.entry(local).or_insert((external_id, has_its_name));
            if has_its_name && !entry.1 {
                *entry = (external_id, true);
            }
        }
        retained.into_iter().map(|(local, (external_id, _))| (external_id.to_owned(), local)).collect()
    }

    fn add(&mut self, external_id: &str, local: i64) {
        self.local.insert(external_id.to_owned(), local);
        self.remote.insert(local, external_id.to_owned());
    }

    fn is_ignored(&self, local: i64, external_id: &str) -> bool {
        self.overrides.ignored_local.contains(&local) || self.overrides.ignored_remote.contains(external_id)
    }

    pub(super) fn state_of_local(&self, id: i64) -> LinkState {
        match self.remote.get(&id) {
            Some(external_id) => self.state_of_linked(external_id),
            None if self.overrides.ignored_local.contains(&id) => LinkState::Ignored,
            None => LinkState::Free,
        }
    }

    pub(super) fn state_of_remote(&self, external_id: &str) -> LinkState {
        match self.local.contains_key(external_id) {
            true => self.state_of_linked(external_id),
            false if self.overrides.ignored_remote.contains(external_id) => LinkState::Ignored,
            false => LinkState::Free,
        }
    }

    fn state_of_linked(&self, external_id: &str) -> LinkState {
        if self.decided.contains(external_id) { LinkState::Decided } else { LinkState::Linked }
    }

    /// Returns the remote record that a local one is linked with.
    pub(super) fn remote_of(&self, local: i64) -> Option<RemoteRecord> {
        let external_id = self.remote.get(&local)?;
        Some(RemoteRecord::new(external_id, self.remote_names.get(external_id)?))
    }

    /// Returns the local record that a remote one is linked with. An inactive one is named as the remote one.
    pub(super) fn local_of(&self, external_id: &str) -> Option<LocalRecord> {
        let id = self.local.get(external_id)?;
        let name = self.local_names.get(id).or_else(|| self.remote_names.get(external_id))?;
        Some(LocalRecord::new(*id, name))
    }

    pub(super) fn into_links(self) -> HashMap<String, i64> {
        self.local
    }
}
