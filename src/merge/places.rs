//! Three-way merge of the places of an event: whether it is sold out and how many places remain. Pure.
//!
//! Both sides sell places, so that neither value may simply replace the other. A value changed locally alone stays, a
//! value changed in Administrate alone is used, and remaining places changed on both sides are a conflict. A value that
//! Administrate does not report counts as unchanged.

use serde::{Deserialize, Serialize};

use crate::tutorials::{Availability, PlacesChange};

/// The name of the remaining places in reports and commands.
pub const REMAINING_PLACES: &str = "remaining places";

/// Places as Administrate reported them; `None` was not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedPlaces {
    pub sold_out: Option<bool>,
    pub max_places: Option<i64>,
    pub remaining: Option<i64>,
}

/// The side whose remaining places are used if both have changed; `Open` leaves it to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacesWinner {
    Open,
    Local,
    Remote,
}

/// Remaining places that were changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacesConflict {
    pub local: i32,
    pub remote: i32,
    pub baseline: i32,
}

/// The result of merging the places of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedPlaces {
    /// The local values after the merge.
    pub local: PlacesChange,
    /// The values with which the next merge compares.
    pub baseline: ReportedPlaces,
    /// The conflict, even if the winner resolves it.
    pub conflict: Option<PlacesConflict>,
}

/// What happens with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueMerge {
    /// The local value stays, and so does the baseline.
    Keep,
    /// The local value stays, and the remote one is the new baseline.
    Agree,
    /// The remote value is used, and is the new baseline.
    Take,
    Conflict,
}

fn merge_value<T: Copy + PartialEq>(local: T, baseline: Option<T>, remote: Option<T>) -> ValueMerge {
    match (baseline, remote) {
        (_, None) => ValueMerge::Keep,
        (_, Some(remote)) if remote == local => ValueMerge::Agree,
        // Nothing is known of an earlier state: places of a new link come from Administrate.
        (None, Some(_)) => ValueMerge::Take,
        (Some(baseline), Some(_)) if baseline == local => ValueMerge::Take,
        (Some(baseline), Some(remote)) if baseline == remote => ValueMerge::Keep,
        _ => ValueMerge::Conflict,
    }
}

/// Merges the places of an event.
pub fn merge_places(
    local: &Availability,
    baseline: ReportedPlaces,
    remote: ReportedPlaces,
    winner: PlacesWinner,
) -> MergedPlaces {
    let mut merged = MergedPlaces {
        local: PlacesChange { is_soldout: Some(local.is_soldout), remain_space: Some(local.remain_space) },
        baseline,
        conflict: None,
    };
    // Two truth values that both differ from a third are equal, so that this is never a conflict.
    match merge_value(local.is_soldout, baseline.sold_out, remote.sold_out) {
        ValueMerge::Keep | ValueMerge::Conflict => {}
        ValueMerge::Agree => merged.baseline.sold_out = remote.sold_out,
        ValueMerge::Take => (merged.local.is_soldout, merged.baseline.sold_out) = (remote.sold_out, remote.sold_out),
    }
    merge_remaining(&mut merged, local, remote, winner);
    merged
}

fn merge_remaining(merged: &mut MergedPlaces, local: &Availability, remote: ReportedPlaces, winner: PlacesWinner) {
    let local_max = local.max_places.map(i64::from);
    if local_max.is_some() && local_max == remote.max_places {
        shift_baseline(&mut merged.baseline, remote.max_places);
    }
    let baseline = merged.baseline.remaining.map(places);
    let reported = remote.remaining.map(places);
    // More places than the maximum remain after the maximum was lowered: nothing was sold.
    let capped = local.max_places.map_or(local.remain_space, |max| local.remain_space.min(max));
    let mut outcome = match baseline {
        Some(baseline) if baseline == capped && reported.is_some_and(|remote| remote != local.remain_space) => {
            ValueMerge::Take
        }
        baseline => merge_value(local.remain_space, baseline, reported),
    };
    if let (ValueMerge::Conflict, Some(baseline), Some(remote)) = (outcome, baseline, reported) {
        merged.conflict = Some(PlacesConflict { local: local.remain_space, remote, baseline });
        outcome = match winner {
            PlacesWinner::Open => ValueMerge::Keep,
            PlacesWinner::Local => ValueMerge::Agree,
            PlacesWinner::Remote => ValueMerge::Take,
        };
    }
    if outcome == ValueMerge::Take {
        merged.local.remain_space = reported;
    }
    if outcome != ValueMerge::Keep {
        merged.baseline.remaining = remote.remaining;
        merged.baseline.max_places = remote.max_places.or(merged.baseline.max_places);
    }
}

/// Moves the baseline with a maximum that both sides have by now: the same number of places is sold.
fn shift_baseline(baseline: &mut ReportedPlaces, max_places: Option<i64>) {
    if let (Some(remaining), Some(before), Some(now)) = (baseline.remaining, baseline.max_places, max_places) {
        baseline.remaining = Some(remaining.saturating_add(now).saturating_sub(before));
        baseline.max_places = max_places;
    }
}

/// Returns a number of places as it is stored locally.
fn places(number: i64) -> i32 {
    i32::try_from(number.max(0)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(max_places: i32, remain_space: i32) -> Availability {
        Availability {
            id: 1,
            code: "CM2-01".into(),
            is_soldout: false,
            remain_space,
            max_places: Some(max_places),
            sessions: Vec::new(),
        }
    }

    fn reported(max_places: i64, remaining: impl Into<Option<i64>>) -> ReportedPlaces {
        ReportedPlaces { sold_out: None, max_places: Some(max_places), remaining: remaining.into() }
    }

    #[test]
    fn remaining_places_are_merged_three_ways() {
        let none = ReportedPlaces::default();
        // (local max, local), baseline, remote → local afterwards, baseline afterwards, is a conflict
        for (current, baseline, remote, expected, next, is_conflict) in [
            // Neither side has changed, one has, both have.
            ((12, 12), reported(12, 12), reported(12, 12), 12, Some(12), false),
            ((12, 7), reported(12, 12), reported(12, 12), 7, Some(12), false),
            ((12, 12), reported(12, 12), reported(12, 9), 9, Some(9), false),
            ((12, 7), reported(12, 12), reported(12, 9), 7, Some(12), true),
            ((12, 9), reported(12, 12), reported(12, 9), 9, Some(9), false),
            // Administrate does not report the places.
            ((12, 7), reported(12, 12), none, 7, Some(12), false),
            ((12, 12), reported(12, 9), reported(12, None), 12, Some(9), false),
            // Nothing is known of an earlier state.
            ((12, 7), none, reported(12, 9), 9, Some(9), false),
            ((12, 7), none, none, 7, None, false),
            // The maximum was raised on both sides: places that were sold stay sold.
            ((15, 13), reported(12, 12), reported(15, 15), 13, Some(15), false),
            ((15, 12), reported(12, 12), reported(15, 15), 12, Some(15), false),
            ((15, 15), reported(12, 12), reported(15, 11), 11, Some(11), false),
            // It was raised in Administrate, and lowered again.
            ((12, 12), reported(12, 12), reported(30, 30), 30, Some(30), false),
            ((12, 30), reported(30, 30), reported(12, 12), 12, Some(12), false),
            // Overbooked.
            ((12, 12), reported(12, 12), reported(12, -2), 0, Some(-2), false),
            ((12, 0), reported(12, -2), reported(12, 3), 3, Some(3), false),
        ] {
            let merged = merge_places(&local(current.0, current.1), baseline, remote, PlacesWinner::Open);
            let case = format!("{current:?} {baseline:?} {remote:?}");
            assert_eq!(merged.local.remain_space, Some(expected), "{case}");
            assert_eq!(merged.baseline.remaining, next, "{case}");
            assert_eq!(merged.conflict.is_some(), is_conflict, "{case}");
            let again = merge_places(
                &Availability { remain_space: expected, ..local(current.0, current.1) },
                merged.baseline,
                remote,
                PlacesWinner::Open,
            );
            assert_eq!((again.local, again.baseline), (merged.local, merged.baseline), "a second merge: {case}");
        }
    }

    #[test]
    fn winner_resolves_a_conflict_for_good() {
        let (current, baseline, remote) = (local(12, 7), reported(12, 12), reported(12, 9));
        for (winner, expected) in [(PlacesWinner::Local, 7), (PlacesWinner::Remote, 9)] {
            let merged = merge_places(&current, baseline, remote, winner);
            assert_eq!(merged.local.remain_space, Some(expected));
            let resolved = Availability { remain_space: expected, ..current.clone() };
            assert_eq!(merge_places(&resolved, merged.baseline, remote, PlacesWinner::Open).conflict, None);
        }
    }

    #[test]
    fn sold_out_is_merged_three_ways() {
        for (current, baseline, remote, expected, next) in [
            (false, Some(false), Some(false), false, Some(false)),
            (true, Some(false), Some(false), true, Some(false)),
            (false, Some(false), Some(true), true, Some(true)),
            (true, Some(false), Some(true), true, Some(true)),
            (false, Some(true), Some(true), false, Some(true)),
            (true, Some(false), None, true, Some(false)),
            (true, None, Some(false), false, Some(false)),
            (true, None, None, true, None),
        ] {
            let local = Availability { is_soldout: current, ..local(12, 12) };
            let seen = |sold_out| ReportedPlaces { sold_out, ..ReportedPlaces::default() };
            let merged = merge_places(&local, seen(baseline), seen(remote), PlacesWinner::Open);
            assert_eq!(merged.local.is_soldout, Some(expected), "{current} {baseline:?} {remote:?}");
            assert_eq!(merged.baseline.sold_out, next, "{current} {baseline:?} {remote:?}");
        }
    }
}
