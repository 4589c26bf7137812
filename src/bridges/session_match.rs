//! Matches unlinked sessions of both sides by title, then by start. Pure.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;

use crate::names::fold;

/// The values that identify a session within its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSignature {
    title: String,
    start: Option<Timestamp>,
}

impl SessionSignature {
    /// Returns the signature of a session. One without title and start matches no other.
    pub fn new(title: &str, start: Option<Timestamp>) -> Self {
        SessionSignature { title: fold(title), start }
    }
}

/// Returns the local id for each remote session, matched by equal title, then by equal start.
///
/// Ambiguous matches are `None`.
pub fn match_sessions(local: &[(i64, SessionSignature)], remote: &[SessionSignature]) -> Vec<Option<i64>> {
    let mut links = vec![None; remote.len()];
    match_by(local, remote, &mut links, |one| Some(one.title.as_str()).filter(|title| !title.is_empty()));
    match_by(local, remote, &mut links, |one| one.start);
    links
}

fn match_by<'a, K: Eq + Hash>(
    local: &'a [(i64, SessionSignature)],
    remote: &'a [SessionSignature],
    links: &mut [Option<i64>],
    key: impl Fn(&'a SessionSignature) -> Option<K>,
) {
    let mut free: HashMap<K, Vec<i64>> = HashMap::new();
    for (id, one) in local.iter().filter(|(id, _)| !links.contains(&Some(*id))) {
        if let Some(key) = key(one) {
            free.entry(key).or_default().push(*id);
        }
    }
    let mut positions: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, one) in remote.iter().enumerate().filter(|(at, _)| links[*at].is_none()) {
        if let Some(key) = key(one) {
            positions.entry(key).or_default().push(at);
        }
    }
    for (key, positions) in positions {
        if let ([at], Some([id])) = (positions.as_slice(), free.get(&key).map(Vec::as_slice)) {
            links[*at] = Some(*id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature((title, day): (&str, i64)) -> SessionSignature {
        SessionSignature::new(title, Timestamp::from_second(day * 86_400).ok().filter(|_| day > 0))
    }

    #[test]
    fn session_is_matched_by_title_then_by_start() {
        for (local, remote, expected) in [
            (&[("T1-1", 1), ("T1-2", 2)][..], &[("t1-2 ", 9), ("T1-1", 8)][..], &[Some(2), Some(1)][..]),
            (&[("T1-1", 1), ("T1-2", 2)], &[("day 2", 2), ("day 1", 1)], &[Some(2), Some(1)]),
            (&[("T1-1", 1), ("T1-2", 2)], &[("T1-2", 1), ("strange", 1)], &[Some(2), Some(1)]),
            (&[("T1-1", 1)], &[("strange", 4)], &[None]),
            (&[("day", 1), ("day", 2)], &[("day", 3), ("day", 2)], &[None, Some(2)]),
            (&[("a", 1), ("b", 1)], &[("c", 1)], &[None]),
            (&[("", 0)], &[("", 0)], &[None]),
        ] {
            let local: Vec<(i64, SessionSignature)> = (1..).zip(local.iter().copied().map(signature)).collect();
            let remote: Vec<SessionSignature> = remote.iter().copied().map(signature).collect();
            assert_eq!(match_sessions(&local, &remote), expected, "{local:?} {remote:?}");
        }
    }
}
