//! Which rows answer a search text, and how well: the score.
//!
//! Every row (a store product or a bundle) is a bag of words, each with the weight of the place it stands in (a name
//! weighs more than a session title). For a search text:
//!
//! 1. Each typed word finds the written words that it may mean ([`super::text`]).
//! 2. `coverage` of a row is the share of typed words that it answers; a subject code counts double.
//! 3. A row is a hit when it answers *all* words that anything in the catalogue answers. Where no row does, the rows that
//!    answer part of them are matches, but only those of a subject that was typed.
//! 4. In both cases less than 45 % coverage is no hit, so one common word in a strange sentence finds nothing.
//! 5. The score, 0 to 100: nine tenths from how well each word is answered (closeness × weight), one tenth from how
//!    much of the row's name was typed, so "mock" puts "Mock" before "Mock Marking Voucher".
//!
//! Nothing depends on the order of a hash map: equal input gives equal scores, in every process.

use std::collections::{BTreeMap, HashMap};

use super::text::{TypoDistance, search_words, within_typos, words};

/// Below this share of answered words a row is no hit; the reference's threshold of 45 in 100.
const LEAST_COVERAGE: f32 = 0.45;

/// The place in a row that a word stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// Name of the product or bundle.
    Name,
    /// Code of the subject.
    Subject,
    /// Variation: name and type.
    Variation,
    /// Code of an event or of the exam session.
    Code,
    /// Venue, location, instructor.
    Place,
    /// Session titles, store product codes, the subject's description, components.
    Detail,
}

impl TextField {
    fn weight(self) -> f32 {
        match self {
            Self::Name | Self::Subject => 1.0,
            Self::Variation => 0.95,
            Self::Code => 0.9,
            Self::Place => 0.85,
            Self::Detail => 0.8,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Posting {
    row: u32,
    weight: f32,
    in_name: bool,
    is_subject: bool,
}

/// All written words with the rows that they stand in.
#[derive(Debug, Default)]
pub struct Vocabulary {
    written: Vec<String>,
    postings: Vec<Vec<Posting>>,
    name_lengths: Vec<u32>,
}

/// Collects the words of rows, row by row.
#[derive(Debug, Default)]
pub struct VocabularyBuilder {
    postings: HashMap<String, Vec<Posting>>,
    name_lengths: Vec<u32>,
}

impl VocabularyBuilder {
    /// Begins the next row and answers its number, counted from 0.
    pub fn next_row(&mut self) -> u32 {
        self.name_lengths.push(0);
        u32::try_from(self.name_lengths.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds the words of one text to the row begun last.
    pub fn add(&mut self, field: TextField, text: &str) {
        let row = u32::try_from(self.name_lengths.len().saturating_sub(1)).unwrap_or(u32::MAX);
        for word in words(text) {
            let postings = self.postings.entry(word).or_default();
            if postings.last().is_none_or(|posting| posting.row != row) {
                postings.push(Posting { row, ..Posting::default() });
            }
            let Some(posting) = postings.last_mut() else { continue };
            posting.weight = posting.weight.max(field.weight());
            posting.is_subject |= field == TextField::Subject;
            if field == TextField::Name && !posting.in_name {
                posting.in_name = true;
                if let Some(length) = self.name_lengths.last_mut() {
                    *length += 1;
                }
            }
        }
    }

    /// Ends the collection.
    pub fn finish(self) -> Vocabulary {
        let mut sorted: Vec<(String, Vec<Posting>)> = self.postings.into_iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (written, postings) = sorted.into_iter().unzip();
        Vocabulary { written, postings, name_lengths: self.name_lengths }
    }
}

/// The rows that answer a search text.
#[derive(Clone, Debug, PartialEq)]
pub struct Matches(Vec<Option<f32>>);

impl Matches {
    /// The score of a row, 0 to 100; nothing when it does not answer.
    pub fn score(&self, row: u32) -> Option<f32> {
        self.0.get(row as usize).copied().flatten()
    }
}

/// What is known of one row while the words are gone through.
#[derive(Clone, Copy, Default)]
struct TermScores {
    answered: u32,
    coverage: f32,
    quality: f32,
    name_words: u32,
    misses_subject: bool,
}

/// How one typed word is answered.
struct TermMatches {
    importance: f32,
    is_subject: bool,
    by_row: BTreeMap<u32, (f32, bool)>,
}

impl Vocabulary {
    /// The matches of a search text. A text without a single word has none.
    pub fn matches(&self, text: &str) -> Matches {
        let typed = search_words(text);
        let last = typed.len().saturating_sub(1);
        let answers: Vec<TermMatches> =
            typed.iter().enumerate().map(|(at, word)| self.answer(word, at == last)).collect();
        let total: f32 = answers.iter().map(|answer| answer.importance).sum();
        let tallies = self.tally(&answers);
        let answerable = answers.iter().filter(|answer| !answer.by_row.is_empty()).count();
        let all = |tally: &TermScores| tally.answered as usize == answerable;
        let strict = answerable > 0 && tallies.iter().any(all);
        let scores = tallies.iter().enumerate().map(|(row, tally)| {
            let kept = if strict { all(tally) } else { !tally.misses_subject };
            (kept && tally.answered > 0 && tally.coverage / total >= LEAST_COVERAGE)
                .then(|| self.score(row, tally, total))
        });
        Matches(scores.collect())
    }

    fn score(&self, row: usize, tally: &TermScores, total: f32) -> f32 {
        let name_length = self.name_lengths.get(row).copied().unwrap_or(0).max(1);
        let name_share = (tally.name_words as f32 / name_length as f32).min(1.0);
        90.0 * tally.quality / total + 10.0 * name_share
    }

    fn tally(&self, answers: &[TermMatches]) -> Vec<TermScores> {
        let mut tallies = vec![TermScores::default(); self.name_lengths.len()];
        for answer in answers {
            for (row, (quality, in_name)) in &answer.by_row {
                let Some(tally) = tallies.get_mut(*row as usize) else { continue };
                tally.answered += 1;
                tally.coverage += answer.importance;
                tally.quality += answer.importance * quality;
                tally.name_words += u32::from(*in_name);
            }
            if answer.is_subject {
                for (row, tally) in tallies.iter_mut().enumerate() {
                    let row = u32::try_from(row).unwrap_or(u32::MAX);
                    tally.misses_subject |= !answer.by_row.contains_key(&row);
                }
            }
        }
        tallies
    }

    fn answer(&self, word: &str, completing: bool) -> TermMatches {
        let mut answer = TermMatches { importance: 1.0, is_subject: false, by_row: BTreeMap::new() };
        for (at, closeness) in self.meant_by(word, completing) {
            for posting in &self.postings[at] {
                let quality = closeness.0 * posting.weight;
                let best = answer.by_row.entry(posting.row).or_insert((0.0, false));
                best.0 = best.0.max(quality);
                best.1 |= posting.in_name;
                answer.is_subject |= posting.is_subject && closeness == TypoDistance::EXACT;
            }
        }
        if answer.is_subject {
            answer.importance = 2.0;
        }
        answer
    }

    /// The written words that a typed one may mean, as places in the vocabulary.
    fn meant_by(&self, word: &str, completing: bool) -> Vec<(usize, TypoDistance)> {
        let from = self.written.partition_point(|written| written.as_str() < word);
        let meant: Vec<(usize, TypoDistance)> = self.written[from..]
            .iter()
            .enumerate()
            .take_while(|(_, written)| if completing { written.starts_with(word) } else { *written == word })
            .map(|(at, written)| (from + at, if written == word { TypoDistance::EXACT } else { TypoDistance::PREFIX }))
            .collect();
        if !meant.is_empty() {
            return meant;
        }
        self.written
            .iter()
            .enumerate()
            .filter_map(|(at, written)| Some((at, within_typos(word, written, completing)?)))
            .collect()
    }
}
