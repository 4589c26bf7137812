//! Matches a search text with the rows of the read model and scores each match.
//!
//! Every row (a store product or a bundle) is a bag of terms. Each term has the weight of the field that contains it: a
//! name weighs more than a session title. For a search text:
//!
//! 1. Each query word selects the terms that it may mean ([`super::matching`]).
//! 2. The coverage of a row is the share of query words that it matches. A subject code counts double.
//! 3. A row matches when it matches *all* query words that match anything in the catalogue. If no row does, rows that
//!    match some of the words match, but only those of a subject in the query.
//! 4. In both cases a coverage below 45 % is no match, so one common word in an unrelated sentence finds nothing.
//! 5. The score is 0 to 100: 90 for how well each word matches (similarity × weight), 10 for the share of the row's name
//!    that the query contains, so "mock" ranks "Mock" above "Mock Marking Voucher".
//! 6. To it are added points for a field that is the whole query, and for several words within one person, place or event.
//!
//! The result does not depend on the order of a hash map: equal input gives equal scores in every process.

use super::super::Part;
use super::super::bitmap::Bitmap;
use super::matching::{LevelRows, WordMatch};

/// Minimum share of matched query words. A row below it does not match.
const MIN_COVERAGE: f32 = 0.45;

/// Rows of one part that get additional points.
#[derive(Debug)]
pub struct Bonus<'a> {
    /// The part of the model.
    pub part: usize,
    /// The rows.
    pub rows: LevelRows<'a>,
    /// The points.
    pub points: f32,
}

/// The rows that match a search text.
#[derive(Debug)]
pub struct TextMatch<'a> {
    /// The query words.
    pub words: Vec<WordMatch<'a>>,
    /// The sum of the importance of all words.
    total: f32,
    /// The matching rows, by part.
    pub rows: Vec<Bitmap>,
    /// The rows with additional points.
    pub bonuses: Vec<Bonus<'a>>,
    parts: &'a [Part],
}

impl<'a> TextMatch<'a> {
    /// Finds the rows that match the words. No words match no row.
    pub fn new(parts: &'a [Part], words: Vec<WordMatch<'a>>) -> Self {
        let total: f32 = words.iter().map(|word| word.importance).sum();
        let rows = matching_rows(parts, &words, total);
        Self { words, total, rows, bonuses: Vec::new(), parts }
    }

    /// Returns the matching rows by score, from the best, where one word decides it: pairs of the score and, by part, rows.
    ///
    /// A row may be repeated with a lower score. None: several words decide.
    pub fn levels(&self) -> Option<Vec<(f32, Vec<Bitmap>)>> {
        let mut words = self.words.iter().filter(|word| !word.is_empty());
        let (word, None) = (words.next()?, words.next()) else { return None };
        let mut levels: Vec<(f32, usize, Bitmap)> = Vec::new();
        for level in &word.levels {
            let mut rows = Bitmap::empty();
            level.rows.rows().add_to(&mut rows);
            let score = 90.0 * (word.importance * level.quality()) / self.total + 10.0 * level.name_share().min(1.0);
            for bonus in self.bonuses.iter().filter(|bonus| bonus.part == level.part) {
                let mut better = Bitmap::empty();
                bonus.rows.rows().add_to(&mut better);
                better.and(&rows);
                if !better.is_empty() {
                    levels.push((score + bonus.points, level.part, better));
                }
            }
            levels.push((score, level.part, rows));
        }
        levels.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let mut by_score: Vec<(f32, Vec<Bitmap>)> = Vec::new();
        for (score, part, rows) in levels {
            if by_score.last().is_none_or(|(last, _)| *last != score) {
                by_score.push((score, vec![Bitmap::empty(); self.parts.len()]));
            }
            if let Some((_, sets)) = by_score.last_mut() {
                sets[part].or(&rows);
            }
        }
        Some(by_score)
    }

    /// Returns the most additional points that a row of a set gets.
    pub fn additional_points(&self, part: usize, set: &Bitmap) -> f32 {
        let mut points: std::collections::BTreeMap<u32, f32> = Default::default();
        for bonus in self.bonuses.iter().filter(|bonus| bonus.part == part) {
            bonus.rows.rows().for_each_in(set, |row| *points.entry(row).or_default() += bonus.points);
        }
        points.into_values().fold(0.0, f32::max)
    }

    /// Returns the scores of rows, which are in order.
    pub fn scores(&self, part: usize, rows: &[u32]) -> Vec<f32> {
        let (mut quality, mut name_words) = (vec![0.0f32; rows.len()], vec![0u8; rows.len()]);
        let mut is_open: Vec<bool> = Vec::new();
        for word in &self.words {
            // Levels are sorted: the first that contains a row is its best.
            is_open.clear();
            is_open.resize(rows.len(), true);
            for level in word.levels.iter().filter(|level| level.part == part) {
                let (points, in_name) = (word.importance * level.quality(), level.name_share() > 0.0);
                level.rows.rows().for_each_position_in(rows, |at| {
                    if std::mem::take(&mut is_open[at]) {
                        quality[at] += points;
                        name_words[at] += u8::from(in_name);
                    }
                });
            }
        }
        let vocabulary = &self.parts[part].segment.vocabulary;
        let mut scores: Vec<f32> = rows
            .iter()
            .zip(quality.iter().zip(&name_words))
            .map(|(row, (quality, name_words))| {
                let name_share = (f32::from(*name_words) / f32::from(vocabulary.name_length(*row))).min(1.0);
                90.0 * quality / self.total + 10.0 * name_share
            })
            .collect();
        for bonus in self.bonuses.iter().filter(|bonus| bonus.part == part) {
            bonus.rows.rows().for_each_position_in(rows, |at| scores[at] += bonus.points);
        }
        scores
    }
}

/// Returns the rows that match enough words, by part.
fn matching_rows(parts: &[Part], words: &[WordMatch<'_>], total: f32) -> Vec<Bitmap> {
    let none = || vec![Bitmap::empty(); parts.len()];
    let found: Vec<&WordMatch<'_>> = words.iter().filter(|word| !word.is_empty()).collect();
    let all: Vec<Bitmap> = match found[..] {
        [] => return none(),
        [only] => only.rows.clone(),
        [first, second, ref rest @ ..] => {
            let mut all: Vec<Bitmap> =
                first.rows.iter().zip(&second.rows).map(|(one, other)| one.common(other)).collect();
            for word in rest {
                all.iter_mut().zip(&word.rows).for_each(|(all, rows)| all.and(rows));
            }
            all
        }
    };
    if all.iter().any(|rows| !rows.is_empty()) {
        let coverage: f32 = found.iter().map(|word| word.importance).sum();
        return if coverage / total >= MIN_COVERAGE { all } else { none() };
    }
    (0..parts.len()).map(|part| partly_matching(&parts[part], part, words, total)).collect()
}

/// Returns the rows that match enough of the words, and every subject.
fn partly_matching(part: &Part, index: usize, words: &[WordMatch<'_>], total: f32) -> Bitmap {
    let mut coverage = vec![0.0f32; part.segment.rows() as usize];
    for word in words {
        word.rows[index].iter().for_each(|row| coverage[row as usize] += word.importance);
    }
    let mut rows = Bitmap::empty();
    for (row, coverage) in coverage.iter().enumerate().filter(|(_, coverage)| **coverage > 0.0) {
        if coverage / total >= MIN_COVERAGE {
            rows.insert(row as u32);
        }
    }
    words.iter().filter(|word| word.is_subject).for_each(|word| rows.and(&word.rows[index]));
    rows
}
