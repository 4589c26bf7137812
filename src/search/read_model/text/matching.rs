//! Matches one query word with the terms of all segments.

use super::fields::CODE_MARK;
use super::{TypoDistance, letters, max_typos, typo_distance};
use crate::search::read_model::Part;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::row_sets::SegmentRows;
use crate::search::read_model::segment::vocabulary::TermClass;

/// Rows that belong to a vocabulary, or were put together from several terms.
#[derive(Debug)]
pub enum LevelRows<'a> {
    /// Those of one term.
    Term(SegmentRows<'a>),
    /// Those of several terms.
    Joined(Bitmap),
}

impl LevelRows<'_> {
    /// Borrows the rows.
    pub fn rows(&self) -> SegmentRows<'_> {
        match self {
            Self::Term(rows) => *rows,
            Self::Joined(bits) => SegmentRows::Many(bits),
        }
    }
}

/// Rows of one part that match a query word equally well.
#[derive(Debug)]
pub struct Level<'a> {
    /// The part of the model.
    pub part: usize,
    class: TermClass,
    distance: TypoDistance,
    /// The rows.
    pub rows: LevelRows<'a>,
}

impl Level<'_> {
    /// Returns how well the word matches, from 0 to 1.
    pub fn quality(&self) -> f32 {
        self.distance.similarity() * self.class.weight()
    }

    /// Returns the share of the name that the word is; 0 outside names.
    pub fn name_share(&self) -> f32 {
        self.class.name_share()
    }

    /// Returns what the word alone contributes to a score.
    fn value(&self) -> f32 {
        90.0 * self.quality() + 10.0 * self.name_share()
    }
}

/// A word as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryWord {
    /// The term: a word, or a code with its mark.
    pub term: String,
    /// Whether longer terms that start with it match.
    pub allow_prefix: bool,
    /// Words that mean the same.
    pub synonyms: Vec<Vec<String>>,
    /// The terms with typos, if they were looked for.
    pub typos: Option<Vec<TypoTerm>>,
}

impl QueryWord {
    /// Creates a word without synonyms.
    pub fn new(term: String, allow_prefix: bool) -> Self {
        Self { term, allow_prefix, synonyms: Vec::new(), typos: None }
    }
}

/// The rows that match one query word.
#[derive(Debug)]
pub struct WordMatch<'a> {
    /// The word.
    pub text: String,
    /// How much the word counts.
    pub importance: f32,
    /// Whether it is the code of a subject.
    pub is_subject: bool,
    /// From the best.
    pub levels: Vec<Level<'a>>,
    /// All live rows, by part.
    pub rows: Vec<Bitmap>,
    /// The matching terms: the part and the term.
    pub terms: Vec<(usize, u32)>,
    /// The term that is meant, if there are only terms with typos.
    pub corrected: Option<String>,
}

impl WordMatch<'_> {
    /// Reports whether nothing matches.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }
}

/// Collects the levels of a word.
struct LevelCollector<'a> {
    parts: &'a [Part],
    levels: Vec<Level<'a>>,
    terms: Vec<(usize, u32)>,
}

impl<'a> LevelCollector<'a> {
    fn add(&mut self, part: usize, term: u32, distance: TypoDistance) {
        self.terms.push((part, term));
        for (class, rows) in self.parts[part].segment.vocabulary.groups(term) {
            let known = self
                .levels
                .iter_mut()
                .find(|level| level.part == part && level.class == class && level.distance == distance);
            match known {
                Some(Level { rows: LevelRows::Joined(bits), .. }) => rows.add_to(bits),
                Some(level) => {
                    let mut bits = Bitmap::empty();
                    level.rows.rows().add_to(&mut bits);
                    rows.add_to(&mut bits);
                    level.rows = LevelRows::Joined(bits);
                }
                None => self.levels.push(Level { part, class, distance, rows: LevelRows::Term(rows) }),
            }
        }
    }

    /// Leaves out the levels without live rows.
    fn keep_live(&mut self) {
        let parts = self.parts;
        self.levels.retain(|level| level.rows.rows().any_in(&parts[level.part].live));
    }

    fn finish(mut self, word: &QueryWord, corrected: Option<String>) -> WordMatch<'a> {
        self.levels.sort_by(|a, b| b.value().total_cmp(&a.value()));
        let is_subject =
            self.levels.iter().any(|level| level.class.is_subject() && level.distance == TypoDistance::Exact);
        let mut rows: Vec<Bitmap> = vec![Bitmap::empty(); self.parts.len()];
        self.levels.iter().for_each(|level| level.rows.rows().add_to(&mut rows[level.part]));
        rows.iter_mut().zip(self.parts).for_each(|(rows, part)| rows.and(&part.live));
        let importance = if is_subject { 2.0 } else { 1.0 };
        WordMatch {
            text: word.term.clone(),
            importance,
            is_subject,
            levels: self.levels,
            rows,
            terms: self.terms,
            corrected,
        }
    }
}

/// Reports whether a term exists on any live row.
pub fn exists(parts: &[Part], term: &str) -> bool {
    parts.iter().any(|part| {
        let vocabulary = &part.segment.vocabulary;
        vocabulary.find(term).is_some_and(|term| vocabulary.groups(term).any(|(_, rows)| rows.any_in(&part.live)))
    })
}

/// Reports whether any term on a live row starts with a text.
pub fn exists_with_prefix(parts: &[Part], text: &str) -> bool {
    parts.iter().any(|part| {
        let vocabulary = &part.segment.vocabulary;
        let mut terms = vocabulary.starting_with(text);
        terms.any(|term| vocabulary.groups(term).any(|(_, rows)| rows.any_in(&part.live)))
    })
}

/// Matches a word: exactly, as a synonym or a prefix, else with typos.
pub fn match_word<'a>(parts: &'a [Part], word: &QueryWord) -> WordMatch<'a> {
    let mut found = LevelCollector { parts, levels: Vec::new(), terms: Vec::new() };
    for (index, part) in parts.iter().enumerate() {
        let vocabulary = &part.segment.vocabulary;
        if word.allow_prefix {
            for term in vocabulary.starting_with(&word.term) {
                let is_equal = vocabulary.term(term).len() == word.term.len();
                found.add(index, term, if is_equal { TypoDistance::Exact } else { TypoDistance::Prefix });
            }
        } else if let Some(term) = vocabulary.find(&word.term) {
            found.add(index, term, TypoDistance::Exact);
        }
    }
    add_synonyms(&mut found, word);
    found.keep_live();
    if !found.levels.is_empty() || word.term.starts_with(CODE_MARK) {
        return found.finish(word, None);
    }
    let corrected = add_typos(&mut found, word);
    found.keep_live();
    let corrected = corrected.filter(|_| !found.levels.is_empty());
    found.finish(word, corrected)
}

fn add_synonyms(found: &mut LevelCollector<'_>, word: &QueryWord) {
    for synonym in &word.synonyms {
        for (index, part) in found.parts.iter().enumerate() {
            let vocabulary = &part.segment.vocabulary;
            let terms: Option<Vec<u32>> = synonym.iter().map(|word| vocabulary.find(word)).collect();
            match terms.as_deref() {
                Some([term]) => found.add(index, *term, TypoDistance::Synonym),
                Some([first, rest @ ..]) => add_phrase(found, index, *first, rest),
                _ => {}
            }
        }
    }
}

/// Adds the rows that have all words of a synonym.
fn add_phrase(found: &mut LevelCollector<'_>, part: usize, first: u32, rest: &[u32]) {
    let segment = &found.parts[part].segment;
    let rows_of = |term: u32| {
        let mut rows = Bitmap::empty();
        segment.vocabulary.groups(term).for_each(|(_, of_class)| of_class.add_to(&mut rows));
        rows
    };
    let mut rows = rows_of(first);
    rest.iter().for_each(|term| rows.and(&rows_of(*term)));
    let class = TermClass::plain();
    found.levels.push(Level { part, class, distance: TypoDistance::Synonym, rows: LevelRows::Joined(rows) });
}

/// A term within the typos that a word may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypoTerm {
    part: usize,
    term: u32,
    distance: TypoDistance,
}

/// Finds the terms within the typos that a word may have.
pub fn typo_terms<'a>(parts: &'a [Part], word: &'a str, allow_prefix: bool) -> impl Iterator<Item = TypoTerm> + 'a {
    let allowed = max_typos(word);
    let (length, mask) = (word.chars().count(), letters(word));
    let parts = parts.iter().enumerate().filter(move |_| allowed > 0);
    parts.flat_map(move |(part, of_part)| {
        let vocabulary = &of_part.segment.vocabulary;
        let is_possible = move |of_term: u32, of_length: usize| {
            let is_near = of_length.abs_diff(length) <= allowed && (of_term & !mask).count_ones() as usize <= allowed;
            let is_longer = allow_prefix && of_length > length;
            (mask & !of_term).count_ones() as usize <= allowed && (is_near || is_longer)
        };
        let possible = vocabulary.plain().iter().filter(move |plain| is_possible(plain.letters, plain.length.into()));
        possible.filter_map(move |plain| {
            let distance = typo_distance(word, vocabulary.term(plain.term), allow_prefix)?;
            Some(TypoTerm { part, term: plain.term, distance })
        })
    })
}

/// Adds the terms within the typos that a word may have, and returns the one that is most likely meant.
fn add_typos(found: &mut LevelCollector<'_>, word: &QueryWord) -> Option<String> {
    let parts = found.parts;
    let terms = match &word.typos {
        Some(terms) => terms.clone(),
        None => typo_terms(parts, &word.term, word.allow_prefix).collect(),
    };
    let mut best: Option<(f32, &str)> = None;
    for TypoTerm { part, term, distance } in terms {
        found.add(part, term, distance);
        let (vocabulary, live) = (&parts[part].segment.vocabulary, &parts[part].live);
        let (similarity, text) = (distance.similarity(), vocabulary.term(term));
        if best.is_none_or(|(other, known)| (similarity, text) > (other, known))
            && vocabulary.groups(term).any(|(_, rows)| rows.any_in(live))
        {
            best = Some((similarity, text));
        }
    }
    best.map(|(_, text)| text.to_owned())
}
