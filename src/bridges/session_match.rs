//! Sessions of both sides known again by what they say, where no link tells which is which. Pure.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;

use crate::names::fold;

/// What tells a session from the others of its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSignature {
    title: String,
    start: Option<Timestamp>,
}

impl SessionSignature {
    /// A session of this title and start; one without either is like no other.
    pub fn new(title: &str, start: Option<Timestamp>) -> Self {
        SessionSignature { title: fold(title), start }
    }
}

/// Which of `ours` each of `theirs` is: by equal title, then by equal start. What several could be is nobody.
pub fn match_sessions(ours: &[(i64, SessionSignature)], theirs: &[SessionSignature]) -> Vec<Option<i64>> {
    let mut links = vec![None; theirs.len()];
    pair_by(ours, theirs, &mut links, |one| Some(one.title.as_str()).filter(|title| !title.is_empty()));
    pair_by(ours, theirs, &mut links, |one| one.start);
    links
}

fn pair_by<'a, K: Eq + Hash>(
    ours: &'a [(i64, SessionSignature)],
    theirs: &'a [SessionSignature],
    links: &mut [Option<i64>],
    key: impl Fn(&'a SessionSignature) -> Option<K>,
) {
    let mut free: HashMap<K, Vec<i64>> = HashMap::new();
    for (id, one) in ours.iter().filter(|(id, _)| !links.contains(&Some(*id))) {
        if let Some(key) = key(one) {
            free.entry(key).or_default().push(*id);
        }
    }
    let mut places: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, one) in theirs.iter().enumerate().filter(|(at, _)| links[*at].is_none()) {
        if let Some(key) = key(one) {
            places.entry(key).or_default().push(at);
        }
    }
    for (key, places) in places {
        if let ([at], Some([id])) = (places.as_slice(), free.get(&key).map(Vec::as_slice)) {
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
    fn a_session_is_known_by_its_title_then_by_its_start() {
        for (ours, theirs, expected) in [
            (&[("T1-1", 1), ("T1-2", 2)][..], &[("t1-2 ", 9), ("T1-1", 8)][..], &[Some(2), Some(1)][..]),
            (&[("T1-1", 1), ("T1-2", 2)], &[("day 2", 2), ("day 1", 1)], &[Some(2), Some(1)]),
            (&[("T1-1", 1), ("T1-2", 2)], &[("T1-2", 1), ("strange", 1)], &[Some(2), Some(1)]),
            (&[("T1-1", 1)], &[("strange", 4)], &[None]),
            (&[("day", 1), ("day", 2)], &[("day", 3), ("day", 2)], &[None, Some(2)]),
            (&[("a", 1), ("b", 1)], &[("c", 1)], &[None]),
            (&[("", 0)], &[("", 0)], &[None]),
        ] {
            let ours: Vec<(i64, SessionSignature)> = (1..).zip(ours.iter().copied().map(signature)).collect();
            let theirs: Vec<SessionSignature> = theirs.iter().copied().map(signature).collect();
            assert_eq!(match_sessions(&ours, &theirs), expected, "{ours:?} {theirs:?}");
        }
    }
}
