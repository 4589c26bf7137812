//! What changed recently, for clients that follow the changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::search::store::changes::{Changes, LOGGED_CHANGES};

/// The changes between two versions.
#[derive(Debug, PartialEq, Eq)]
pub struct RecentChange {
    /// The version after the changes.
    pub version: i64,
    /// Ids of events, ascending.
    pub events: Vec<i64>,
    /// Ids of store products, ascending.
    pub products: Vec<i64>,
}

/// The last changes. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RecentChanges {
    list: Arc<Mutex<ChangeList>>,
    version: watch::Sender<i64>,
}

#[derive(Debug, Default)]
struct ChangeList {
    /// The version before the first change.
    from: i64,
    changes: VecDeque<Arc<RecentChange>>,
}

/// What a client has missed.
#[derive(Debug, PartialEq, Eq)]
pub enum Missed {
    /// These changes, maybe none.
    Changes(Vec<Arc<RecentChange>>),
    /// More than is known.
    Unknown,
}

impl RecentChanges {
    /// Adds what was read from the log.
    pub fn add(&self, changes: &Changes) {
        let ids = |ids: &std::collections::BTreeSet<i64>| ids.iter().copied().collect();
        let change = RecentChange {
            version: changes.version,
            events: ids(&changes.events),
            products: ids(&changes.touched.store_products),
        };
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.version <= list.version() {
            return;
        }
        list.changes.push_back(Arc::new(change));
        while list.changes.front().is_some_and(|first| first.version <= changes.version - LOGGED_CHANGES) {
            if let Some(first) = list.changes.pop_front() {
                list.from = first.version;
            }
        }
        self.version.send_replace(changes.version);
    }

    /// Forgets the changes: everything was read again.
    pub fn reset(&self, version: i64) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if version != list.version() {
            *list = ChangeList { from: version, changes: VecDeque::new() };
            self.version.send_replace(version);
        }
    }

    /// Returns a channel that receives every newer version.
    pub fn versions(&self) -> watch::Receiver<i64> {
        self.version.subscribe()
    }

    /// Returns the current version.
    pub fn version(&self) -> i64 {
        *self.version.borrow()
    }

    /// Returns the changes after a version.
    pub fn after(&self, version: i64) -> Missed {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if version < list.from || version > list.version() {
            return Missed::Unknown;
        }
        Missed::Changes(list.changes.iter().filter(|change| change.version > version).cloned().collect())
    }
}

impl ChangeList {
    fn version(&self) -> i64 {
        self.changes.back().map_or(self.from, |last| last.version)
    }
}
