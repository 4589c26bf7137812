//! Finds what a search text means in a model: which codes it contains, which words have to be split or joined.

use foldhash::HashMap;

use super::fields::{CODE_MARK, WHOLE_MARK};
use super::matching::{LevelRows, QueryWord, TypoTerm, WordMatch, exists, exists_with_prefix, match_word, typo_terms};
use super::scores::{Bonus, TextMatch};
use super::words::{QueryToken, read};
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::segment::events::EventValue;
use crate::search::read_model::segment::vocabulary::Vocabulary;
use crate::search::read_model::{Part, ReadModel};

/// Most words that are one code when they are written together.
const MAX_CODE_WORDS: usize = 6;
/// Points for rows with a field that is the whole query.
const WHOLE_FIELD_POINTS: f32 = 12.0;
/// Points for each query word within one field.
const SAME_FIELD_POINTS: f32 = 4.0;
/// Points for each query word within one event.
const SAME_EVENT_POINTS: f32 = 3.0;

impl ReadModel {
    /// Matches a search text with all rows.
    pub fn match_text(&self, text: &str) -> TextMatch<'_> {
        let parts = self.parts();
        let words = query_words(parts, read(text), self.synonyms());
        let found: Vec<WordMatch<'_>> = words.iter().map(|word| match_word(parts, word)).collect();
        let mut matches = TextMatch::new(parts, found);
        if !matches.rows.iter().all(Bitmap::is_empty) {
            for (index, part) in parts.iter().enumerate() {
                add_whole_fields(&mut matches, part, index, &words);
                add_same_fields(&mut matches, part, index);
                add_same_events(&mut matches, part, index, words.len());
            }
        }
        matches
    }
}

/// Turns the tokens of a text into words that are looked up.
fn query_words(
    parts: &[Part],
    tokens: Vec<QueryToken>,
    synonyms: &HashMap<String, Vec<Vec<String>>>,
) -> Vec<QueryWord> {
    let last = tokens.len().saturating_sub(1);
    let mut terms: Vec<(String, bool)> = Vec::new();
    for (index, token) in tokens.into_iter().enumerate() {
        let is_last = index == last;
        match token {
            QueryToken::Word(word) => terms.push((word, is_last)),
            QueryToken::Code(code, words) | QueryToken::Date(code, words) => {
                let term = format!("{CODE_MARK}{code}");
                if exists(parts, &term) || (is_last && exists_with_prefix(parts, &term)) {
                    terms.push((term, is_last));
                } else {
                    let end = words.len().saturating_sub(1);
                    terms.extend(words.into_iter().enumerate().map(|(at, word)| (word, is_last && at == end)));
                }
            }
        }
    }
    let terms = join_codes(parts, terms);
    let resolved = terms.into_iter().flat_map(|(term, is_last)| resolve_word(parts, term, is_last, synonyms));
    let mut words: Vec<QueryWord> = Vec::new();
    for mut word in resolved {
        word.synonyms = synonyms.get(&word.term).cloned().unwrap_or_default();
        words.retain(|other| other.term != word.term);
        words.push(word);
    }
    words
}

/// Joins neighbouring words that are one code together.
fn join_codes(parts: &[Part], terms: Vec<(String, bool)>) -> Vec<(String, bool)> {
    let has_digit = |term: &String| term.chars().any(char::is_numeric);
    if terms.len() < 2 || !terms.iter().any(|(term, _)| has_digit(term)) {
        return terms;
    }
    let mut joined = Vec::new();
    let mut index = 0;
    while index < terms.len() {
        let longest = (terms.len() - index).min(MAX_CODE_WORDS);
        let found = (2..=longest).rev().find_map(|count| {
            let words = &terms[index..index + count];
            let are_words = words.iter().all(|(term, _)| !term.starts_with(CODE_MARK));
            let code = format!("{CODE_MARK}{}", words.iter().map(|(term, _)| term.as_str()).collect::<String>());
            let is_code = are_words && words.iter().any(|(term, _)| has_digit(term)) && exists(parts, &code);
            is_code.then(|| (code, words.iter().any(|(_, is_last)| *is_last), count))
        });
        match found {
            Some((code, is_last, count)) => {
                joined.push((code, is_last));
                index += count;
            }
            None => {
                joined.push(terms[index].clone());
                index += 1;
            }
        }
    }
    joined
}

/// Reads a word that is no word of the catalogue as a code, or as two words written together.
fn resolve_word(
    parts: &[Part],
    term: String,
    is_last: bool,
    synonyms: &HashMap<String, Vec<Vec<String>>>,
) -> Vec<QueryWord> {
    let is_known = term.starts_with(CODE_MARK)
        || synonyms.contains_key(&term)
        || exists(parts, &term)
        || (is_last && exists_with_prefix(parts, &term));
    if is_known {
        return vec![QueryWord::new(term, is_last)];
    }
    let has_digit = term.chars().any(char::is_numeric);
    if has_digit {
        let code = format!("{CODE_MARK}{term}");
        if exists(parts, &code) || exists_with_prefix(parts, &code) {
            return vec![QueryWord::new(code, true)];
        }
    } else {
        let typos: Vec<TypoTerm> = typo_terms(parts, &term, is_last).collect();
        if !typos.is_empty() {
            return vec![QueryWord { typos: Some(typos), ..QueryWord::new(term, is_last) }];
        }
    }
    split_word(parts, &term, is_last).unwrap_or_else(|| vec![QueryWord::new(term, is_last)])
}

/// Splits a word into two that are known, `cm2london`.
fn split_word(parts: &[Part], term: &str, is_last: bool) -> Option<Vec<QueryWord>> {
    let length = term.chars().count();
    let places: Vec<usize> = term.char_indices().map(|(at, _)| at).skip(2).take(length.saturating_sub(3)).collect();
    let is_code_like = term.chars().any(char::is_numeric);
    places.into_iter().rev().find_map(|at| {
        let (left, right) = term.split_at(at);
        // Without a digit any two short words would do.
        let is_long = is_code_like || (left.chars().count() > 2 && right.chars().count() > 2);
        if !is_long || !exists(parts, left) {
            return None;
        }
        let is_known = exists(parts, right) || (is_last && exists_with_prefix(parts, right));
        let is_typo = || right.chars().count() > 3 && typo_terms(parts, right, is_last).next().is_some();
        (is_known || (is_code_like && is_typo()))
            .then(|| vec![QueryWord::new(left.to_owned(), false), QueryWord::new(right.to_owned(), is_last)])
    })
}

/// Gives points to rows with a field that is the whole query.
fn add_whole_fields<'a>(matches: &mut TextMatch<'a>, part: &'a Part, index: usize, words: &[QueryWord]) {
    let query: Vec<&str> = words.iter().map(|word| word.term.as_str()).collect();
    let vocabulary = &part.segment.vocabulary;
    if let Some(term) = vocabulary.find(&format!("{WHOLE_MARK}{}", query.join(" "))) {
        let mut rows = Bitmap::empty();
        vocabulary.groups(term).for_each(|(_, of_class)| of_class.add_to(&mut rows));
        matches.bonuses.push(Bonus { part: index, rows: LevelRows::Joined(rows), points: WHOLE_FIELD_POINTS });
    }
}

/// Gives points to rows with several query words within one field.
fn add_same_fields<'a>(matches: &mut TextMatch<'a>, part: &'a Part, index: usize) {
    let vocabulary = &part.segment.vocabulary;
    let counts = fields_with_several(vocabulary, &matches.words, index);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    // More words give more points: the sets of rows overlap and only the best counts.
    let mut better = Bitmap::empty();
    for count in (2..=most).rev() {
        let mut rows = Bitmap::empty();
        for (field, _) in counts.iter().filter(|(_, other)| *other == count) {
            vocabulary.groups(*field).for_each(|(_, of_class)| of_class.add_to(&mut rows));
        }
        rows.and_not(&better);
        better.or(&rows);
        if !rows.is_empty() {
            let points = SAME_FIELD_POINTS * count as f32;
            matches.bonuses.push(Bonus { part: index, rows: LevelRows::Joined(rows), points });
        }
    }
}

/// Returns the fields with several of the words, and how many.
fn fields_with_several(vocabulary: &Vocabulary, words: &[WordMatch<'_>], part: usize) -> Vec<(u32, u32)> {
    if words.len() < 2 {
        return Vec::new();
    }
    // The fields of each word. Those of one term are in order.
    let mut of_words: Vec<Vec<&[u32]>> = Vec::new();
    for word in words {
        let terms = word.terms.iter().filter(|(of_part, _)| *of_part == part);
        of_words.push(terms.map(|(_, term)| vocabulary.fields_with(*term)).collect());
    }
    // A code may be in thousands of fields: those of the most frequent word are not read, only looked up.
    let number = |fields: &Vec<&[u32]>| fields.iter().map(|fields| fields.len()).sum::<usize>();
    let most_frequent = (0..of_words.len()).max_by_key(|word| number(&of_words[*word]));
    let most_frequent = most_frequent.map(|word| of_words.swap_remove(word)).unwrap_or_default();
    let mut fields: Vec<u32> = Vec::new();
    for of_word in of_words {
        let mut own: Vec<u32> = of_word.into_iter().flatten().copied().collect();
        own.sort_unstable();
        own.dedup();
        fields.extend(own);
    }
    fields.sort_unstable();
    let counted = fields.chunk_by(|a, b| a == b).map(|same| {
        let is_in_all = most_frequent.iter().any(|fields| fields.binary_search(&same[0]).is_ok());
        (same[0], same.len() as u32 + u32::from(is_in_all))
    });
    counted.filter(|(_, count)| *count > 1).collect()
}

/// Gives points to rows with several query words within one event.
fn add_same_events<'a>(matches: &mut TextMatch<'a>, part: &'a Part, index: usize, words: usize) {
    let (vocabulary, events) = (&part.segment.vocabulary, &part.segment.events);
    if words < 2 || events.is_empty() {
        return;
    }
    let values_of = |word: &WordMatch<'a>| -> Vec<&'a EventValue> {
        let terms = word.terms.iter().filter(|(part, _)| *part == index);
        terms.flat_map(|(_, term)| events.values_with_word(vocabulary.term(*term))).collect()
    };
    let of_words: Vec<Vec<&EventValue>> =
        matches.words.iter().map(values_of).filter(|values| !values.is_empty()).collect();
    let [first, rest @ ..] = &of_words[..] else { return };
    let events_of = |values: &[&EventValue]| {
        let mut found = Bitmap::empty();
        values.iter().for_each(|value| value.events.rows().add_to(&mut found));
        found
    };
    if rest.is_empty() {
        return;
    }
    let mut common = events_of(first);
    rest.iter().for_each(|values| common.and(&events_of(values)));
    if common.is_empty() {
        return;
    }
    let mut rows = Bitmap::empty();
    common.for_each(|event| rows.insert(events.row_of[event as usize]));
    let points = SAME_EVENT_POINTS * of_words.len() as f32;
    matches.bonuses.push(Bonus { part: index, rows: LevelRows::Joined(rows), points });
}
