//! Match overrides: links, separations and exclusions that a user decided; every later plan respects them.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

/// The overrides of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchOverrides {
    /// Local id by external id: linked, whatever the names are.
    pub linked: HashMap<String, i64>,
    /// Pairs of local id and external id that are never linked, whatever the names are.
    pub unlinked: HashSet<(i64, String)>,
    /// Local records left out of matching and reports.
    pub ignored_local: HashSet<i64>,
    /// Remote records left out of matching and reports, by external id.
    pub ignored_remote: HashSet<String>,
}

impl MatchOverrides {
    /// Reports whether an override names this local record.
    pub fn has_local(&self, id: i64) -> bool {
        self.linked.values().any(|local| *local == id)
            || self.unlinked.iter().any(|(local, _)| *local == id)
            || self.ignored_local.contains(&id)
    }
}

/// One override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchOverride {
    /// The entity's name, as on the command line.
    pub entity: &'static str,
    pub kind: OverrideKind,
    /// The local record; none where only a remote record is ignored.
    pub local: Option<i64>,
    /// The remote record's external id; none where only a local record is ignored.
    pub external: Option<String>,
}

/// What an override states about its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverrideKind {
    /// They are the same record.
    Link,
    /// They are different records.
    Unlink,
    /// They are left out of matching and reports.
    Ignore,
}

impl OverrideKind {
    /// Returns the kind with this stored name.
    pub fn named(name: &str) -> Option<OverrideKind> {
        [OverrideKind::Link, OverrideKind::Unlink, OverrideKind::Ignore].into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the stored name, which is also the command's.
    pub fn name(self) -> &'static str {
        match self {
            OverrideKind::Link => "link",
            OverrideKind::Unlink => "unlink",
            OverrideKind::Ignore => "ignore",
        }
    }
}
