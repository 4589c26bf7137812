//! Splits text into words, and decides when a query word matches a term of the catalogue.
//!
//! A query word matches a term when they are equal, or when it is the last query word and the term starts with it. If no
//! term in the catalogue does, terms within a few typos match: one typo from four letters, two from eight. Words with
//! digits never match by typo, because `CM1` and `CM2` are two subjects.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::names::fold;

/// Maximum number of query words. The rest is ignored.
pub const MAX_QUERY_WORDS: usize = 16;

/// Maximum number of characters read from a search text, so that a huge text costs no more than a long sentence.
const MAX_QUERY_CHARS: usize = 1000;

/// Words that are ignored when the query contains other words.
const STOP_WORDS: [&str; 12] = ["a", "an", "and", "at", "for", "from", "in", "of", "on", "the", "to", "with"];

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
    stripped.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns the significant words of a search text in order, each once.
///
/// Stop words are returned only when there are no other words.
pub fn search_words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let read = text.char_indices().nth(MAX_QUERY_CHARS).map_or(text, |(end, _)| &text[..end]);
    for word in words(read) {
        // The last word may be incomplete, so a repeated word keeps its last position.
        all.retain(|other| *other != word);
        all.push(word);
    }
    let significant: Vec<String> = all.iter().filter(|word| !STOP_WORDS.contains(&word.as_str())).cloned().collect();
    let mut selected = if significant.is_empty() { all } else { significant };
    selected.truncate(MAX_QUERY_WORDS);
    selected
}

/// Distance between a query word and a term of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypoDistance {
    /// The same word.
    Exact,
    /// The term starts with the query word.
    Prefix,
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
            Self::Prefix => 0.9,
            Self::OneTypo => 0.8,
            Self::TwoTypos => 0.65,
            Self::PrefixWithTypos => 0.6,
        }
    }
}

/// Returns the number of typos allowed for a query word.
fn max_typos(word: &str) -> usize {
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
        match strsim::osa_distance(query_word, term) {
            0 => return Some(TypoDistance::Exact),
            1 => return Some(TypoDistance::OneTypo),
            2 if max_typos == 2 => return Some(TypoDistance::TwoTypos),
            _ => {}
        }
    }
    if allow_prefix && term_length > query_length {
        let prefix: String = term.chars().take(query_length).collect();
        if strsim::osa_distance(query_word, &prefix) <= max_typos {
            return Some(TypoDistance::PrefixWithTypos);
        }
    }
    None
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

    #[test]
    fn search_text_keeps_significant_words() {
        for (text, expected) in [
            ("tutorials in London", vec!["tutorials", "london"]),
            ("the", vec!["the"]),
            ("mock cs2 mock", vec!["cs2", "mock"]),
        ] {
            assert_eq!(search_words(text), expected, "{text}");
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
