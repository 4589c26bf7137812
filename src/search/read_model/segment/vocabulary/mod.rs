//! The words of a segment: each term with the rows that contain it, by how much it weighs there.
//!
//! Terms are sorted, so the terms that start with a word are neighbours. Besides words there are two kinds of terms, each
//! with a mark in front: codes without their separators, and whole fields.

mod builder;
mod saved;
#[cfg(test)]
mod tests;

pub use self::builder::read_words;
use super::super::bitmap::Bitmap;
use super::super::row_sets::{SegmentRows, is_dense};
use super::super::text::fields::{self, TextField, WHOLE_MARK};
use super::super::text::letters;

/// How much a term weighs in a row: its field, whether it is a subject, and for a name the number of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermClass(u8);

impl TermClass {
    const NAME: u8 = 128;
    const SUBJECT: u8 = 64;
    const LOW: u8 = 63;

    fn new(weight: u8, is_subject: bool, name_length: Option<usize>) -> Self {
        let subject = if is_subject { Self::SUBJECT } else { 0 };
        match name_length {
            Some(length) => Self(Self::NAME | subject | length.clamp(1, 63) as u8),
            None => Self(subject | weight),
        }
    }

    /// Returns the class of what is in no field in particular.
    pub fn plain() -> Self {
        Self::new(TextField::Detail.weight_number(), false, None)
    }

    /// Returns the weight, from 0 to 1.
    pub fn weight(self) -> f32 {
        match self.0 & Self::NAME {
            0 => TextField::weight_at(self.0 & Self::LOW),
            _ => 1.0,
        }
    }

    /// Reports whether the term is the code of the subject.
    pub fn is_subject(self) -> bool {
        self.0 & Self::SUBJECT != 0
    }

    /// Returns the share of the name that the term is; 0 if it is not part of the name.
    pub fn name_share(self) -> f32 {
        match self.0 & Self::NAME {
            0 => 0.0,
            _ => 1.0 / f32::from(self.0 & Self::LOW),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct PostingGroup {
    class: TermClass,
    /// Position in `lists`, or in `bitmaps`.
    start: u32,
    /// Number of rows of a list; 0 for a bitmap.
    count: u32,
}

/// A term without digits, as a search for typos compares it first.
#[derive(Clone, Copy, Debug)]
pub struct PlainTerm {
    /// The term.
    pub term: u32,
    /// Which letters it has.
    pub letters: u32,
    /// Number of characters.
    pub length: u16,
}

/// All terms of a segment with their rows.
#[derive(Debug, Default)]
pub struct Vocabulary {
    text: String,
    starts: Vec<u32>,
    first_groups: Vec<u32>,
    groups: Vec<PostingGroup>,
    lists: Vec<u32>,
    bitmaps: Vec<Bitmap>,
    plain: Vec<PlainTerm>,
    name_lengths: Vec<u8>,
    /// The terms that are in whole fields of several words, in order, each with the end of its part of `fields`.
    terms_in_fields: Vec<(u32, u32)>,
    fields: Vec<u32>,
}

impl Vocabulary {
    /// Returns the number of terms.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Reports whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a term.
    pub fn term(&self, index: u32) -> &str {
        let end = self.starts.get(index as usize + 1).copied().unwrap_or_default();
        let start = self.starts.get(index as usize).copied().unwrap_or(end);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Returns the first term that is not before a text.
    pub fn lower_bound(&self, text: &str) -> u32 {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.term(middle) < text { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Returns the term that is equal to a text.
    pub fn find(&self, text: &str) -> Option<u32> {
        let index = self.lower_bound(text);
        ((index as usize) < self.len() && self.term(index) == text).then_some(index)
    }

    /// Returns the terms that start with a text, in order.
    pub fn starting_with<'a>(&'a self, text: &'a str) -> impl Iterator<Item = u32> + 'a {
        let from = self.lower_bound(text);
        (from..self.len() as u32).take_while(move |term| self.term(*term).starts_with(text))
    }

    /// Returns the rows of a term by its weight there.
    pub fn groups(&self, term: u32) -> impl Iterator<Item = (TermClass, SegmentRows<'_>)> {
        let start = self.first_groups.get(term as usize).map_or(0, |start| *start as usize);
        let end = self.first_groups.get(term as usize + 1).map_or(start, |end| *end as usize);
        self.groups[start..end].iter().map(|group| (group.class, self.rows_of(group)))
    }

    fn rows_of(&self, group: &PostingGroup) -> SegmentRows<'_> {
        match group.count {
            0 => SegmentRows::Many(&self.bitmaps[group.start as usize]),
            count => SegmentRows::Few(&self.lists[group.start as usize..(group.start + count) as usize]),
        }
    }

    /// Returns the terms without digits.
    pub fn plain(&self) -> &[PlainTerm] {
        &self.plain
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u32 {
        self.name_lengths.len() as u32
    }

    /// Returns the number of words in the name of a row.
    pub fn name_length(&self, row: u32) -> u8 {
        self.name_lengths.get(row as usize).copied().unwrap_or(1).max(1)
    }

    fn add_term(&mut self, term: &str, postings: &mut [(TermClass, u32)]) {
        postings.sort_unstable();
        if self.starts.is_empty() {
            self.starts.push(0);
            self.first_groups.push(0);
        }
        for group in postings.chunk_by(|(a, _), (b, _)| a == b) {
            let class = group[0].0;
            let start = self.lists.len();
            self.lists.extend(group.iter().map(|(_, row)| *row));
            if is_dense(&self.lists[start..]) {
                self.groups.push(PostingGroup { class, start: self.bitmaps.len() as u32, count: 0 });
                self.bitmaps.push(Bitmap::of_sorted(&self.lists[start..]));
                self.lists.truncate(start);
            } else {
                self.groups.push(PostingGroup { class, start: start as u32, count: group.len() as u32 });
            }
        }
        if fields::is_word(term) && !term.chars().any(char::is_numeric) {
            let length = term.chars().count() as u16;
            self.plain.push(PlainTerm { term: self.len() as u32, letters: letters(term), length });
        }
        self.text.push_str(term);
        self.starts.push(self.text.len() as u32);
        self.first_groups.push(self.groups.len() as u32);
    }

    /// Returns the whole fields of several words that contain a term.
    pub fn fields_with(&self, term: u32) -> &[u32] {
        let Ok(index) = self.terms_in_fields.binary_search_by_key(&term, |(term, _)| *term) else { return &[] };
        let start = index.checked_sub(1).map_or(0, |before| self.terms_in_fields[before].1);
        &self.fields[start as usize..self.terms_in_fields[index].1 as usize]
    }

    fn finish(mut self) -> Self {
        let mark = WHOLE_MARK.to_string();
        // Words with the whole fields that contain them.
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for whole in self.starting_with(&mark) {
            let text = self.term(whole).trim_start_matches(WHOLE_MARK);
            let first = pairs.len();
            pairs.extend(text.split(' ').filter_map(|word| Some((self.find(word)?, whole))));
            if pairs.len() == first + 1 {
                pairs.pop();
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        for same in pairs.chunk_by(|(one, _), (other, _)| one == other) {
            self.fields.extend(same.iter().map(|(_, field)| *field));
            self.terms_in_fields.push((same[0].0, self.fields.len() as u32));
        }
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.first_groups.shrink_to_fit();
        self.groups.shrink_to_fit();
        self.lists.shrink_to_fit();
        self.fields.shrink_to_fit();
        self.terms_in_fields.shrink_to_fit();
        self
    }

    /// Returns the vocabulary of rows that are taken from others. For each of those there is the new row of each of its
    /// rows; none: left out.
    pub fn combined(parts: &[(&Self, Vec<Option<u32>>)], rows: u32) -> Self {
        let mut all = Self { name_lengths: vec![1; rows as usize], ..Self::default() };
        for (part, new_rows) in parts {
            for (row, new) in new_rows.iter().enumerate() {
                if let Some(new) = new {
                    all.name_lengths[*new as usize] = part.name_length(row as u32);
                }
            }
        }
        let mut next = vec![0u32; parts.len()];
        let mut postings: Vec<(TermClass, u32)> = Vec::new();
        loop {
            let open = parts.iter().zip(&next).filter(|((part, _), next)| (**next as usize) < part.len());
            let Some(term) = open.map(|((part, _), next)| part.term(*next)).min() else { break };
            postings.clear();
            for ((part, new_rows), next) in parts.iter().zip(next.iter_mut()) {
                if (*next as usize) >= part.len() || part.term(*next) != term {
                    continue;
                }
                for (class, rows) in part.groups(*next) {
                    let mut add = |row: u32| postings.extend(new_rows[row as usize].map(|new| (class, new)));
                    match rows {
                        SegmentRows::Many(bits) => bits.iter().for_each(&mut add),
                        SegmentRows::Few(rows) => rows.iter().copied().for_each(&mut add),
                    }
                }
                *next += 1;
            }
            if !postings.is_empty() {
                all.add_term(term, &mut postings);
            }
        }
        all.finish()
    }
}
