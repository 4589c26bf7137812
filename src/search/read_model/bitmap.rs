//! Sets of rows as bitmaps.
//!
//! All bitmaps of one segment have the same number of words. The loops are compiled twice; the faster variant runs where the
//! processor has the instructions.

/// A set of rows, one bit for each row of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap(Vec<u64>);

#[cfg(target_arch = "x86_64")]
fn has_fast_bits() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("popcnt")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
}

/// Defines a function that is also compiled for processors with wide registers and instructions that count bits.
macro_rules! kernel {
    (fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        fn $name($($arg: $ty),*) -> $ret {
            #[inline(always)]
            fn plain($($arg: $ty),*) -> $ret $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn fast($($arg: $ty),*) -> $ret {
                    plain($($arg),*)
                }
                if has_fast_bits() {
                    // SAFETY: the processor has these instructions.
                    return unsafe { fast($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    };
}

kernel! {
    fn count_words(words: &[u64]) -> u32 {
        words.iter().map(|word| word.count_ones()).sum()
    }
}

kernel! {
    fn count_common(left: &[u64], right: &[u64]) -> u32 {
        left.iter().zip(right).map(|(left, right)| (left & right).count_ones()).sum()
    }
}

kernel! {
    fn and_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left &= right);
    }
}

kernel! {
    fn and_not_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left &= !right);
    }
}

kernel! {
    fn or_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left |= right);
    }
}

kernel! {
    fn count_before(words: &[u64]) -> Vec<u32> {
        let mut counts = Vec::with_capacity(words.len() + 1);
        let mut sum = 0;
        for word in words {
            counts.push(sum);
            sum += word.count_ones();
        }
        counts.push(sum);
        counts
    }
}

kernel! {
    // For each run of rows that ends at a bit of `ends`: sets this bit if any row of the run is set. Adding ones below the
    // end carries into it exactly when one of them is set.
    fn run_ends(rows: &[u64], ends: &[u64]) -> Vec<u64> {
        let mut carry = false;
        let mut found = Vec::with_capacity(rows.len());
        for (row, end) in rows.iter().zip(ends) {
            let below = !end;
            let (sum, first) = (row & below).overflowing_add(below);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            found.push((sum | row) & end);
        }
        found
    }
}

fn place(row: u32) -> (usize, u64) {
    ((row / 64) as usize, 1 << (row % 64))
}

impl Bitmap {
    /// Returns the empty set of this many rows.
    pub fn empty(rows: u32) -> Self {
        Self(vec![0; rows.div_ceil(64) as usize])
    }

    /// Returns the set of all rows.
    pub fn full(rows: u32) -> Self {
        let mut all = Self::empty(rows);
        all.insert_range(0, rows);
        all
    }

    /// Adds a row.
    pub fn insert(&mut self, row: u32) {
        let (word, bit) = place(row);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// Removes a row.
    pub fn remove(&mut self, row: u32) {
        let (word, bit) = place(row);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Reports whether a row is in the set.
    pub fn contains(&self, row: u32) -> bool {
        let (word, bit) = place(row);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds the rows from `start` to before `end`.
    pub fn insert_range(&mut self, start: u32, end: u32) {
        let mut row = start;
        while row < end {
            let (word, _) = place(row);
            let below = row % 64;
            let count = (64 - below).min(end - row);
            if let Some(word) = self.0.get_mut(word) {
                *word |= (u64::MAX >> (64 - count)) << below;
            }
            row += count;
        }
    }

    /// Removes the rows before one.
    pub fn remove_before(&mut self, row: u32) {
        let (word, bit) = place(row);
        self.0.iter_mut().take(word).for_each(|word| *word = 0);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !(bit - 1);
        }
    }

    /// Keeps the rows that are in both sets.
    pub fn and(&mut self, other: &Self) {
        and_words(&mut self.0, &other.0);
    }

    /// Removes the rows of another set.
    pub fn and_not(&mut self, other: &Self) {
        and_not_words(&mut self.0, &other.0);
    }

    /// Adds the rows of another set.
    pub fn or(&mut self, other: &Self) {
        or_words(&mut self.0, &other.0);
    }

    /// Returns the number of rows in the set.
    pub fn count(&self) -> u32 {
        count_words(&self.0)
    }

    /// Returns the number of rows in both sets.
    pub fn count_common(&self, other: &Self) -> u32 {
        count_common(&self.0, &other.0)
    }

    /// Reports whether a row is in both sets.
    pub fn has_common(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(left, right)| left & right != 0)
    }

    /// Calls a function for each row in both sets, in order.
    pub fn for_each_common(&self, other: &Self, mut call: impl FnMut(u32)) {
        for (index, (left, right)) in self.0.iter().zip(&other.0).enumerate() {
            let mut rest = left & right;
            while rest != 0 {
                call(index as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    /// Reports whether no row is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Returns the last rows (of `ends`) of the runs that have any row in the set.
    pub fn run_ends(&self, ends: &Self) -> Self {
        Self(run_ends(&self.0, &ends.0))
    }

    /// Calls a function for each row in order.
    pub fn for_each(&self, mut call: impl FnMut(u32)) {
        for (index, word) in self.0.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                call(index as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    /// Returns the rows in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_words(0)
    }

    fn iter_words(&self, from: usize) -> impl Iterator<Item = u32> + '_ {
        let words = self.0.iter().enumerate().skip(from);
        words.flat_map(|(index, word)| {
            let first = (index as u32) * 64;
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }

    /// Returns how many rows of the set are before each 64 rows.
    pub fn counts_before(&self) -> Vec<u32> {
        count_before(&self.0)
    }

    /// Calls a function for each row that is in another set too, with its position there. `before` are the counts of the other
    /// set.
    pub fn for_each_position_in(&self, other: &Self, before: &[u32], mut call: impl FnMut(u32)) {
        for ((own, others), before) in self.0.iter().zip(&other.0).zip(before) {
            let mut rest = own & others;
            while rest != 0 {
                let below = (1u64 << rest.trailing_zeros()) - 1;
                call(before + (others & below).count_ones());
                rest &= rest - 1;
            }
        }
    }

    /// Returns the positions of its rows.
    pub fn ranks(&self) -> Ranks<'_> {
        Ranks { bits: self, before: count_before(&self.0) }
    }
}

/// A bitmap with the number of its rows before each word.
#[derive(Debug)]
pub struct Ranks<'a> {
    bits: &'a Bitmap,
    before: Vec<u32>,
}

impl Ranks<'_> {
    /// Returns how many rows of the set are before a row.
    pub fn before(&self, row: u32) -> u32 {
        let (word, bit) = place(row);
        match (self.before.get(word), self.bits.0.get(word)) {
            (Some(before), Some(word)) => before + (word & (bit - 1)).count_ones(),
            _ => self.total(),
        }
    }

    /// Returns how many rows of the set are from `start` to before `end`.
    pub fn between(&self, start: u32, end: u32) -> u32 {
        self.before(end) - self.before(start)
    }

    /// Returns the number of rows.
    pub fn total(&self) -> u32 {
        self.before.last().copied().unwrap_or_default()
    }

    /// Returns the rows from the one at this position.
    pub fn rows_from(&self, position: u32) -> impl Iterator<Item = u32> + '_ {
        let word = self.before.partition_point(|before| *before <= position).saturating_sub(1);
        let skipped = position - self.before.get(word).copied().unwrap_or_default().min(position);
        self.bits.iter_words(word).skip(skipped as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[u32], all: u32) -> Bitmap {
        let mut bits = Bitmap::empty(all);
        rows.iter().for_each(|row| bits.insert(*row));
        bits
    }

    #[test]
    fn runs_are_found_across_words() {
        let ends = set(&[0, 62, 64, 129, 130, 191], 192);
        for (rows, expected) in [
            (vec![], vec![]),
            (vec![0], vec![0]),
            (vec![1, 61], vec![62]),
            (vec![63], vec![64]),
            (vec![64, 65, 100], vec![64, 129]),
            (vec![130, 131], vec![130, 191]),
        ] {
            let found: Vec<u32> = set(&rows, 192).run_ends(&ends).iter().collect();
            assert_eq!(found, expected, "{rows:?}");
        }
    }

    #[test]
    fn rows_are_counted_and_found_by_position() {
        let rows = [0, 3, 63, 64, 127, 128, 191];
        let bits = set(&rows, 192);
        let ranks = bits.ranks();
        assert_eq!((bits.count(), ranks.total()), (7, 7));
        for position in 0..=7 {
            let rest: Vec<u32> = ranks.rows_from(position).collect();
            assert_eq!(rest, rows[position as usize..], "{position}");
        }
        for row in 0..=192 {
            assert_eq!(ranks.before(row) as usize, rows.iter().filter(|other| **other < row).count(), "{row}");
        }
        let mut range = Bitmap::empty(192);
        range.insert_range(3, 128);
        assert_eq!(range.count(), 125);
        assert_eq!(Bitmap::full(192).count(), 192);
    }
}
