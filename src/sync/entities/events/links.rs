//! Links of events that stay although their titles no longer match. Pure.

use std::collections::{HashMap, HashSet};

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::LinkRow;
use crate::names::fold;
use crate::sync::matching::{Ambiguity, LocalRecord, MatchResult, RemoteRecord};
use crate::tutorials::Availability;

/// Keeps stored links of events whose title matches no local event any more.
///
/// If the local event matches another remote event by title, the two are ambiguous and a user has to choose.
pub(super) fn keep_links<R: LinkRow>(
    matches: &mut MatchResult,
    stored: &HashMap<&str, &R>,
    by_id: &HashMap<i64, &Availability>,
    overrides: &MatchOverrides,
) {
    let linked_to: HashMap<i64, String> =
        matches.links.iter().map(|(remote, local)| (*local, remote.clone())).collect();
    let mut free: HashSet<i64> = matches.unmatched_local.iter().map(|local| local.id).collect();
    for record in std::mem::take(&mut matches.unmatched_remote) {
        let link = stored.get(record.external_id.as_str()).and_then(|row| row.link());
        let link = link.filter(|local| !overrides.unlinked.contains(&(*local, record.external_id.clone())));
        let rival = link.and_then(|local| linked_to.get(&local)).filter(|rival| !overrides.linked.contains_key(*rival));
        match (link, rival) {
            (Some(local), None) if free.remove(&local) => _ = matches.links.insert(record.external_id, local),
            (Some(local), Some(rival)) => {
                matches.links.remove(rival);
                matches.ambiguous.push(ambiguous_link(local, rival, record, by_id));
            }
            _ => matches.unmatched_remote.push(record),
        }
    }
    matches.unmatched_local.retain(|local| free.contains(&local.id));
}

/// Returns the ambiguity of a local event that is linked to a record with another title and has the title of `rival`.
fn ambiguous_link(local: i64, rival: &str, linked: RemoteRecord, by_id: &HashMap<i64, &Availability>) -> Ambiguity {
    let code = by_id.get(&local).map_or("", |event| event.code.as_str());
    let remote = vec![RemoteRecord::new(rival, code), linked];
    Ambiguity { key: fold(code), local: vec![LocalRecord::new(local, code)], remote, ..Ambiguity::default() }
}
