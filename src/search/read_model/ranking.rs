//! Matches a search text with the rows of the read model and scores each match.
//!
//! Every row (a store product or a bundle) is a bag of terms. Each term has the weight of the field that contains it: a
//! name weighs more than a session title. For a search text:
//!
//! 1. Each query word selects the terms that it may mean ([`super::text`]).
//! 2. The coverage of a row is the share of query words that it matches. A subject code counts double.
//! 3. A row matches when it matches *all* query words that match anything in the catalogue. If no row does, rows that
//!    match some of the words match, but only those of a subject in the query.
//! 4. In both cases a coverage below 45 % is no match, so one common word in an unrelated sentence finds nothing.
//! 5. The score is 0 to 100: 90 for how well each word matches (similarity × weight), 10 for the share of the row's name
//!    that the query contains, so "mock" ranks "Mock" above "Mock Marking Voucher".
//!
//! The result does not depend on the order of a hash map: equal input gives equal scores in every process.

use std::collections::{BTreeMap, HashMap};

use super::text::{TypoDistance, search_words, typo_distance, words};

/// Minimum share of matched query words. A row below it does not match.
const MIN_COVERAGE: f32 = 0.45;

/// The field of a row that contains a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// Name of the product or bundle.
    Name,
    /// Code of the subject.
    Subject,
    /// Name and type of the variation.
    Variation,
    /// Code of an event or of the exam session.
    Code,
    /// Venue, location or instructor.
    Place,
    /// Session title, store product code, description of the subject, or component.
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

/// All terms of the catalogue with the rows that contain them (an inverted index).
#[derive(Debug, Default)]
pub struct Vocabulary {
    terms: Vec<String>,
    postings: Vec<Vec<Posting>>,
    name_lengths: Vec<u32>,
}

/// Collects terms row by row.
#[derive(Debug, Default)]
pub struct VocabularyBuilder {
    postings: HashMap<String, Vec<Posting>>,
    name_lengths: Vec<u32>,
}

impl VocabularyBuilder {
    /// Starts the next row and returns its number, from 0.
    pub fn start_row(&mut self) -> u32 {
        self.name_lengths.push(0);
        u32::try_from(self.name_lengths.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds the words of a text to the current row.
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

    /// Returns the vocabulary.
    pub fn finish(self) -> Vocabulary {
        let mut sorted: Vec<(String, Vec<Posting>)> = self.postings.into_iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (terms, postings) = sorted.into_iter().unzip();
        Vocabulary { terms, postings, name_lengths: self.name_lengths }
    }
}

/// The rows that match a search text, by row number.
#[derive(Clone, Debug, PartialEq)]
pub struct Matches(Vec<Option<f32>>);

impl Matches {
    /// Returns the score of a row, 0 to 100, or `None` when it does not match.
    pub fn score(&self, row: u32) -> Option<f32> {
        self.0.get(row as usize).copied().flatten()
    }
}

/// Sums of one row over the query words.
#[derive(Clone, Copy, Default)]
struct TermScores {
    matched_words: u32,
    coverage: f32,
    quality: f32,
    name_words: u32,
    lacks_subject: bool,
}

/// The rows that match one query word.
struct WordMatches {
    importance: f32,
    is_subject: bool,
    /// Row number → quality of the best match, and whether the term is part of the name.
    by_row: BTreeMap<u32, (f32, bool)>,
}

impl Vocabulary {
    /// Matches a search text. A text without words matches no row.
    pub fn matches(&self, text: &str) -> Matches {
        let query_words = search_words(text);
        let last = query_words.len().saturating_sub(1);
        let word_matches: Vec<WordMatches> =
            query_words.iter().enumerate().map(|(index, word)| self.match_word(word, index == last)).collect();
        let total: f32 = word_matches.iter().map(|matches| matches.importance).sum();
        let scores_by_row = self.score_rows(&word_matches);
        let matchable_words = word_matches.iter().filter(|matches| !matches.by_row.is_empty()).count();
        let matches_all = |scores: &TermScores| scores.matched_words as usize == matchable_words;
        let any_matches_all = matchable_words > 0 && scores_by_row.iter().any(matches_all);
        let scores = scores_by_row.iter().enumerate().map(|(row, scores)| {
            let is_match = if any_matches_all { matches_all(scores) } else { !scores.lacks_subject };
            (is_match && scores.matched_words > 0 && scores.coverage / total >= MIN_COVERAGE)
                .then(|| self.score(row, scores, total))
        });
        Matches(scores.collect())
    }

    fn score(&self, row: usize, scores: &TermScores, total: f32) -> f32 {
        let name_length = self.name_lengths.get(row).copied().unwrap_or(0).max(1);
        let name_share = (scores.name_words as f32 / name_length as f32).min(1.0);
        90.0 * scores.quality / total + 10.0 * name_share
    }

    fn score_rows(&self, word_matches: &[WordMatches]) -> Vec<TermScores> {
        let mut scores_by_row = vec![TermScores::default(); self.name_lengths.len()];
        for matches in word_matches {
            for (row, (quality, in_name)) in &matches.by_row {
                let Some(scores) = scores_by_row.get_mut(*row as usize) else { continue };
                scores.matched_words += 1;
                scores.coverage += matches.importance;
                scores.quality += matches.importance * quality;
                scores.name_words += u32::from(*in_name);
            }
            if matches.is_subject {
                for (row, scores) in scores_by_row.iter_mut().enumerate() {
                    let row = u32::try_from(row).unwrap_or(u32::MAX);
                    scores.lacks_subject |= !matches.by_row.contains_key(&row);
                }
            }
        }
        scores_by_row
    }

    fn match_word(&self, word: &str, allow_prefix: bool) -> WordMatches {
        let mut matches = WordMatches { importance: 1.0, is_subject: false, by_row: BTreeMap::new() };
        for (index, distance) in self.candidates(word, allow_prefix) {
            for posting in &self.postings[index] {
                let quality = distance.similarity() * posting.weight;
                let best = matches.by_row.entry(posting.row).or_insert((0.0, false));
                best.0 = best.0.max(quality);
                best.1 |= posting.in_name;
                matches.is_subject |= posting.is_subject && distance == TypoDistance::Exact;
            }
        }
        if matches.is_subject {
            matches.importance = 2.0;
        }
        matches
    }

    /// Returns the terms that a query word may mean, as indices of the vocabulary.
    fn candidates(&self, word: &str, allow_prefix: bool) -> Vec<(usize, TypoDistance)> {
        let from = self.terms.partition_point(|term| term.as_str() < word);
        let prefix_matches: Vec<(usize, TypoDistance)> = self.terms[from..]
            .iter()
            .enumerate()
            .take_while(|(_, term)| if allow_prefix { term.starts_with(word) } else { *term == word })
            .map(|(index, term)| (from + index, if term == word { TypoDistance::Exact } else { TypoDistance::Prefix }))
            .collect();
        if !prefix_matches.is_empty() {
            return prefix_matches;
        }
        self.terms
            .iter()
            .enumerate()
            .filter_map(|(index, term)| Some((index, typo_distance(word, term, allow_prefix)?)))
            .collect()
    }
}
