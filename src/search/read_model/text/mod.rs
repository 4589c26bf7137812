//! Splits text into words, and decides when a query word matches a term of the catalogue.
//!
//! A query word matches a term when they are equal, or when it is the last query word and the term starts with it. If no
//! term in the catalogue does, terms within a few typos match: one typo from four letters, two from eight. Words with
//! digits never match by typo, because `CM1` and `CM2` are two subjects.

pub mod fields;
mod find;
pub mod matching;
pub mod scores;
pub mod words;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use self::fields::{CODE_MARK, DAY_OF_ANY_YEAR, TextField, WHOLE_MARK};
use crate::names::fold;

/// Splits text into folded words.
///
/// Accents and apostrophes are removed. Any other character that is not a letter or digit separates words.
pub fn words(text: &str) -> Vec<String> {
    let folded_text = fold(text);
    let stripped: String = if folded_text.is_ascii() {
        folded_text.replace('\'', "")
    } else {
        folded_text.nfd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '\u{2019}')).collect()
    };
    let words = stripped.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(split_script).collect()
}

/// Splits a word of a script that is written without spaces into pairs of neighbouring characters. Other words stay whole.
fn split_script(word: &str) -> Vec<String> {
    if word.is_ascii() {
        return vec![word.to_owned()];
    }
    let characters: Vec<char> = word.chars().collect();
    let mut parts = Vec::new();
    for run in characters.chunk_by(|a, b| is_unspaced(*a) == is_unspaced(*b)) {
        match run.len() {
            length if length > 1 && is_unspaced(run[0]) => {
                parts.extend(run.windows(2).map(|pair| pair.iter().collect()))
            }
            _ => parts.push(run.iter().collect()),
        }
    }
    parts
}

/// Reports whether a character belongs to a script that is written without spaces: Thai, Lao, Myanmar, Khmer, Kana, Han.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Returns the terms of a field: its words, the codes in it without separators, and the whole of it.
pub fn terms_of(text: &str, field: TextField) -> Vec<String> {
    if field == TextField::Day {
        // The day, its month, and the day of any year.
        let digits = text.replace('-', "");
        let parts = [Some(&*digits), digits.get(..6)].into_iter().flatten().map(|part| format!("{CODE_MARK}{part}"));
        return parts.chain(digits.get(4..).map(|day| format!("{CODE_MARK}{DAY_OF_ANY_YEAR}{day}"))).collect();
    }
    let words = words(text);
    let mut terms: Vec<String> = codes_of(text).map(|code| format!("{CODE_MARK}{code}")).collect();
    if field != TextField::Detail && !words.is_empty() {
        terms.push(format!("{WHOLE_MARK}{}", words.join(" ")));
    }
    terms.extend(words);
    terms
}

/// Returns the codes in a text, each without its separators: what has a digit and is not one word.
pub fn codes_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().filter_map(|chunk| {
        if !chunk.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let parts = words(chunk);
        (parts.len() > 1).then(|| parts.concat())
    })
}

/// Returns which letters a word has, as bits. Other characters share the rest of the bits.
pub fn letters(word: &str) -> u32 {
    let bit = |character: char| match character {
        'a'..='z' => character as u32 - 'a' as u32,
        other => 26 + other as u32 % 6,
    };
    word.chars().fold(0, |letters, character| letters | 1 << bit(character))
}

/// Distance between a query word and a term of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypoDistance {
    /// The same word.
    Exact,
    /// The term starts with the query word.
    Prefix,
    /// A word that means the same.
    Synonym,
    /// One typo apart.
    OneTypo,
    /// Two typos apart.
    TwoTypos,
    /// The term starts with a word within the typos allowed for the query word.
    PrefixWithTypos,
}

impl TypoDistance {
    /// Returns the similarity that the score uses, from 0 (unrelated) to 1 (the same word).
    pub fn similarity(self) -> f32 {
        match self {
            Self::Exact => 1.0,
            Self::Prefix | Self::Synonym => 0.9,
            Self::OneTypo => 0.8,
            Self::TwoTypos => 0.65,
            Self::PrefixWithTypos => 0.6,
        }
    }
}

/// Returns the number of typos allowed for a query word.
pub fn max_typos(word: &str) -> usize {
    if word.chars().any(|c| c.is_numeric()) {
        return 0;
    }
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Returns the distance when a term is within the typos allowed for a query word.
///
/// With `allow_prefix` longer terms match too, if they start with such a word.
pub fn typo_distance(query_word: &str, term: &str, allow_prefix: bool) -> Option<TypoDistance> {
    let max_typos = max_typos(query_word);
    if max_typos == 0 || term.chars().any(|c| c.is_numeric()) {
        return None;
    }
    let (query_length, term_length) = (query_word.chars().count(), term.chars().count());
    if query_length.abs_diff(term_length) <= max_typos {
        match typos(query_word, term) {
            0 => return Some(TypoDistance::Exact),
            1 => return Some(TypoDistance::OneTypo),
            2 if max_typos == 2 => return Some(TypoDistance::TwoTypos),
            _ => {}
        }
    }
    if allow_prefix && term_length > query_length {
        let end = term.char_indices().nth(query_length).map_or(term.len(), |(at, _)| at);
        if typos(query_word, &term[..end]) <= max_typos {
            return Some(TypoDistance::PrefixWithTypos);
        }
    }
    None
}

/// Returns the number of typos between two words. The same start and the same end have none, and are most of a word that
/// is meant.
fn typos(one: &str, other: &str) -> usize {
    let (one, other) = without_same_start(one, other);
    let (one, other) = without_same_end(one, other);
    if one.is_empty() || other.is_empty() {
        return one.chars().count().max(other.chars().count());
    }
    strsim::osa_distance(one, other)
}

fn without_same_start<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let pairs = one.char_indices().zip(other.chars());
    let same = pairs.take_while(|((_, a), b)| a == b).last().map_or(0, |((at, a), _)| at + a.len_utf8());
    (&one[same..], &other[same..])
}

fn without_same_end<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let pairs = one.chars().rev().zip(other.chars().rev());
    let same: usize = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    (&one[..one.len() - same], &other[..other.len() - same])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_into_folded_words() {
        for (text, expected) in [
            ("CB1-01-25S", vec!["cb1", "01", "25s"]),
            ("King's Cross", vec!["kings", "cross"]),
            ("King\u{2019}s  CROSS", vec!["kings", "cross"]),
            ("Café Zoë", vec!["cafe", "zoe"]),
            ("CB1_LO_6 / PC", vec!["cb1", "lo", "6", "pc"]),
            ("ＣＭ２", vec!["cm2"]),
            (" --- ", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn typos_are_counted_like_those_of_the_whole_words(one in "[abé]{0,7}", other in "[abé]{0,7}") {
            proptest::prop_assert_eq!(typos(&one, &other), strsim::osa_distance(&one, &other));
        }
    }

    #[test]
    fn typos_are_allowed_by_length_and_never_in_codes() {
        for (query_word, term, allow_prefix, is_match) in [
            ("lndon", "london", false, true),
            ("lonodn", "london", false, true),
            ("manchster", "manchester", false, true),
            ("addition", "additional", false, true),
            ("moc", "mock", false, false),
            ("dock", "mock", false, true),
            ("doek", "mock", false, false),
            ("cm22", "cm12", false, false),
            ("text", "te4t", false, false),
            ("mnach", "manchester", true, true),
            ("mnach", "manchester", false, false),
        ] {
            assert_eq!(typo_distance(query_word, term, allow_prefix).is_some(), is_match, "{query_word} {term}");
        }
    }
}
