//! The places of an event when its maximum changes: sold places stay sold, also beyond the maximum.

/// The unsold places of an event, and the places sold beyond its maximum. At most one of them is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub remaining: i32,
    pub oversold: i32,
}

impl Places {
    /// Returns the places after a change of the maximum.
    pub fn moved(self, change: i32) -> Places {
        // Places that are free again prove that nothing is oversold any more.
        let balance = if self.remaining > 0 { self.remaining } else { self.remaining.saturating_sub(self.oversold) };
        let moved = balance.saturating_add(change);
        Places { remaining: moved.max(0), oversold: moved.saturating_neg().max(0) }
    }

    /// Returns the number of sold places of an event with a maximum.
    pub fn sold(self, maximum: i32) -> i32 {
        let oversold = if self.remaining > 0 { 0 } else { self.oversold };
        maximum.saturating_sub(self.remaining).saturating_add(oversold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sold_places_stay_sold_through_cuts() {
        // The maximum, in the order of the imports, of an event with 10 sold places; then the remaining places.
        for (maxima, remaining) in [
            (&[12, 5, 20][..], 10),
            (&[12, 5, 3, 20], 10),
            (&[12, 0, 20], 10),
            (&[12, 5, 12], 2),
            (&[12, 5, 10], 0),
            (&[12, 20, 11], 1),
        ] {
            let start = Places { remaining: maxima[0] - 10, oversold: 0 };
            let end = maxima.windows(2).fold(start, |places, pair| places.moved(pair[1] - pair[0]));
            assert_eq!((end.remaining, end.sold(maxima[maxima.len() - 1])), (remaining, 10), "{maxima:?}");
        }
        assert_eq!(Places { remaining: 0, oversold: 5 }.moved(0), Places { remaining: 0, oversold: 5 });
        assert_eq!(Places { remaining: 3, oversold: 5 }.moved(15), Places { remaining: 18, oversold: 0 });
        assert_eq!(Places { remaining: 0, oversold: i32::MAX }.moved(-1).oversold, i32::MAX);
    }
}
