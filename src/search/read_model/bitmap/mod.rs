//! Sets of rows as bitmaps.
//!
//! Rows are numbered in browsing order, so what a search finds is often within few of them: a subject is one run. A bitmap
//! has only the words between its first and its last row, and what is done with two of them is done where both have words.

mod kernels;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::kernels::{and_not_words, and_words, count_before, count_common, count_words, or_words, run_ends};

/// A set of rows, one bit for each.
#[derive(Clone, Debug, Default)]
pub struct Bitmap {
    /// The number of the first word.
    first: usize,
    words: Vec<u64>,
}

fn place(row: u32) -> (usize, u64) {
    ((row / 64) as usize, 1 << (row % 64))
}

impl PartialEq for Bitmap {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Bitmap {
    /// Returns the empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Returns the set of the first rows, this many.
    pub fn full(rows: u32) -> Self {
        let mut all = Self::empty();
        all.insert_range(0, rows);
        all
    }

    /// Returns the set of these rows, which are in order.
    pub fn of_sorted(rows: &[u32]) -> Self {
        let mut set = Self::empty();
        set.insert_sorted(rows);
        set
    }

    /// Returns the number of its first word, and its words: 64 rows each, the first in the lowest bit.
    pub fn as_words(&self) -> (usize, &[u64]) {
        (self.first, &self.words)
    }

    /// Returns the set with these words, the first of which has this number.
    pub fn of_words(first: usize, words: Vec<u64>) -> Self {
        Self { first, words }
    }

    /// Returns the last row.
    pub fn last(&self) -> Option<u32> {
        let index = self.words.iter().rposition(|word| *word != 0)?;
        Some((self.first + index) as u32 * 64 + 63 - self.words[index].leading_zeros())
    }

    fn end(&self) -> usize {
        self.first + self.words.len()
    }

    fn word(&self, number: usize) -> u64 {
        number.checked_sub(self.first).and_then(|index| self.words.get(index)).copied().unwrap_or_default()
    }

    /// Adds words, so that there are those of a range.
    fn reach(&mut self, range: Range<usize>) {
        if self.words.is_empty() {
            (self.first, self.words) = (range.start, vec![0; range.len()]);
            return;
        }
        if range.start < self.first {
            self.words.splice(0..0, std::iter::repeat_n(0, self.first - range.start));
            self.first = range.start;
        }
        if range.end > self.end() {
            self.words.resize(range.end - self.first, 0);
        }
    }

    /// Removes the words before and after a range.
    fn cut(&mut self, range: Range<usize>) {
        if range.is_empty() {
            self.words.clear();
            return;
        }
        self.words.truncate(range.end - self.first);
        self.words.drain(..range.start - self.first);
        self.first = range.start;
    }

    /// Removes empty words at both ends.
    fn trim(&mut self) {
        let start = self.words.iter().position(|word| *word != 0).unwrap_or(self.words.len());
        let end = self.words.iter().rposition(|word| *word != 0).map_or(start, |last| last + 1);
        self.cut(self.first + start..self.first + end);
    }

    /// Returns the range of the words that both have.
    fn overlap(&self, other: &Self) -> Range<usize> {
        let start = self.first.max(other.first);
        start..self.end().min(other.end()).max(start)
    }

    /// Returns the words of a range that it has, or none for an empty range.
    fn part(&self, range: &Range<usize>) -> &[u64] {
        if range.is_empty() { &[] } else { &self.words[range.start - self.first..range.end - self.first] }
    }

    fn part_mut(&mut self, range: &Range<usize>) -> &mut [u64] {
        if range.is_empty() { &mut [] } else { &mut self.words[range.start - self.first..range.end - self.first] }
    }

    /// Adds a row.
    pub fn insert(&mut self, row: u32) {
        let (word, bit) = place(row);
        if word < self.first || word >= self.end() {
            // Rows before all others are followed by more of them.
            let start = if word < self.first { word.saturating_sub(self.words.len()) } else { word };
            self.reach(start..word + 1);
        }
        self.words[word - self.first] |= bit;
    }

    /// Adds rows, which are in order.
    pub fn insert_sorted(&mut self, rows: &[u32]) {
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.reach(place(*first).0..place(*last).0 + 1);
        }
        for row in rows {
            let (word, bit) = place(*row);
            self.words[word - self.first] |= bit;
        }
    }

    /// Removes a row.
    pub fn remove(&mut self, row: u32) {
        let (word, bit) = place(row);
        if let Some(word) = word.checked_sub(self.first).and_then(|index| self.words.get_mut(index)) {
            *word &= !bit;
        }
    }

    /// Reports whether a row is in the set.
    pub fn contains(&self, row: u32) -> bool {
        let (word, bit) = place(row);
        self.word(word) & bit != 0
    }

    /// Adds the rows from `start` to before `end`.
    pub fn insert_range(&mut self, start: u32, end: u32) {
        if start >= end {
            return;
        }
        self.reach(place(start).0..place(end - 1).0 + 1);
        let mut row = start;
        while row < end {
            let below = row % 64;
            let count = (64 - below).min(end - row);
            self.words[place(row).0 - self.first] |= (u64::MAX >> (64 - count)) << below;
            row += count;
        }
    }

    /// Removes the rows before one.
    pub fn remove_before(&mut self, row: u32) {
        let (word, bit) = place(row);
        let end = self.end();
        self.cut(word.clamp(self.first, end)..end);
        if self.first == word
            && let Some(word) = self.words.first_mut()
        {
            *word &= !(bit - 1);
        }
    }

    /// Returns the rows that are in both sets.
    pub fn common(&self, other: &Self) -> Self {
        let range = self.overlap(other);
        let mut both = Self { first: range.start, words: self.part(&range).to_vec() };
        and_words(&mut both.words, other.part(&range));
        both.trim();
        both
    }

    /// Keeps the rows that are in both sets.
    pub fn and(&mut self, other: &Self) {
        let range = self.overlap(other);
        self.cut(range.clone());
        and_words(&mut self.words, other.part(&range));
        self.trim();
    }

    /// Removes the rows of another set.
    pub fn and_not(&mut self, other: &Self) {
        let range = self.overlap(other);
        and_not_words(self.part_mut(&range), other.part(&range));
    }

    /// Adds the rows of another set.
    pub fn or(&mut self, other: &Self) {
        if other.words.is_empty() {
            return;
        }
        if self.words.is_empty() {
            self.clone_from(other);
            return;
        }
        let range = other.first..other.end();
        self.reach(range.clone());
        or_words(self.part_mut(&range), &other.words);
    }

    /// Returns the number of rows in the set.
    pub fn count(&self) -> u32 {
        count_words(&self.words)
    }

    /// Returns the number of its rows from `start` to before `end`.
    pub fn count_range(&self, start: u32, end: u32) -> u32 {
        let (first, last) = (place(start).0.max(self.first), (end.div_ceil(64) as usize).min(self.end()));
        if start >= end || first >= last {
            return 0;
        }
        let (words, from) = (&self.words[first - self.first..last - self.first], first as u32 * 64);
        let before = words[0] & !(u64::MAX << start.saturating_sub(from).min(63));
        let behind = match end % 64 {
            below if below > 0 && place(end).0 + 1 == last => words[words.len() - 1] & (u64::MAX << below),
            _ => 0,
        };
        count_words(words) - before.count_ones() - behind.count_ones()
    }

    /// Returns its rows in order.
    pub fn to_rows(&self) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.count() as usize);
        self.for_each(|row| rows.push(row));
        rows
    }

    /// Returns the number of rows in both sets.
    pub fn count_common(&self, other: &Self) -> u32 {
        let range = self.overlap(other);
        count_common(self.part(&range), other.part(&range))
    }

    /// Reports whether a row is in both sets.
    pub fn has_common(&self, other: &Self) -> bool {
        let range = self.overlap(other);
        self.part(&range).iter().zip(other.part(&range)).any(|(left, right)| left & right != 0)
    }

    /// Calls a function for each row in both sets, in order.
    pub fn for_each_common(&self, other: &Self, mut call: impl FnMut(u32)) {
        let range = self.overlap(other);
        let common = self.part(&range).iter().zip(other.part(&range)).map(|(left, right)| left & right);
        for_each_bit(range.start, common, &mut call);
    }

    /// Reports whether no row is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Returns the last rows (of `ends`) of the runs that have any row in the set.
    pub fn run_ends(&self, ends: &Self) -> Self {
        let range = self.first..self.end();
        let (mut words, mut carry) = if ends.first <= range.start && range.end <= ends.end() {
            run_ends(&self.words, ends.part(&range), false)
        } else {
            run_ends(&self.words, &range.clone().map(|number| ends.word(number)).collect::<Vec<u64>>(), false)
        };
        // The last run may end some words later.
        for number in range.end..ends.end() {
            if !carry {
                break;
            }
            let (found, is_open) = run_ends(&[0], &[ends.word(number)], true);
            words.extend(found);
            carry = is_open;
        }
        Self { first: self.first, words }
    }

    /// Calls a function for each row in order.
    pub fn for_each(&self, mut call: impl FnMut(u32)) {
        for_each_bit(self.first, self.words.iter().copied(), &mut call);
    }

    /// Returns the rows in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_words(0)
    }

    fn iter_words(&self, from: usize) -> impl Iterator<Item = u32> + '_ {
        let words = self.words.iter().enumerate().skip(from);
        words.flat_map(|(index, word)| {
            let first = (self.first + index) as u32 * 64;
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }

    /// Returns how many rows of the set are before each of its words.
    pub fn counts_before(&self) -> Vec<u32> {
        count_before(&self.words)
    }

    /// Calls a function for each row that is in another set too, with its position there. `before` are the counts of the other
    /// set.
    pub fn for_each_position_in(&self, other: &Self, before: &[u32], mut call: impl FnMut(u32)) {
        let range = self.overlap(other);
        let before = before.get(range.start.saturating_sub(other.first)..).unwrap_or_default();
        for ((own, others), before) in self.part(&range).iter().zip(other.part(&range)).zip(before) {
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
        Ranks { bits: self, before: count_before(&self.words) }
    }
}

/// Calls a function for each row of words, the first of which has this number.
fn for_each_bit(first: usize, words: impl Iterator<Item = u64>, call: &mut impl FnMut(u32)) {
    for (index, word) in words.enumerate() {
        let mut rest = word;
        while rest != 0 {
            call((first + index) as u32 * 64 + rest.trailing_zeros());
            rest &= rest - 1;
        }
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
        let Some(index) = word.checked_sub(self.bits.first) else { return 0 };
        match (self.before.get(index), self.bits.words.get(index)) {
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
