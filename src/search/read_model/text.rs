//! Words: how text is cut up, and when a typed word counts as a written one.
//!
//! A typed word matches a written one when they are equal; when it is the last one typed and the written word begins
//! with it; or, where neither happens anywhere in the catalogue, within a few typos (one from four letters on, two from
//! eight). Words with digits never match by typo: `CM1` and `CM2` are two subjects, not one misspelt.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::names::fold;

/// How many words of a search text are looked at; the rest is ignored.
pub const MAX_QUERY_WORDS: usize = 16;

/// How many characters of a search text are read at all: megabytes cost no more than a long sentence.
const MAX_QUERY_CHARS: usize = 1000;

/// Words that say nothing when others stand beside them.
const STOP_WORDS: [&str; 12] = ["a", "an", "and", "at", "for", "from", "in", "of", "on", "the", "to", "with"];

/// Cuts text into folded words: accents and apostrophes are dropped, anything else that is no letter or digit separates.
pub fn words(text: &str) -> Vec<String> {
    let folded_text = fold(text);
    let stripped: String = if folded_text.is_ascii() {
        folded_text.replace('\'', "")
    } else {
        folded_text.nfd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '\u{2019}')).collect()
    };
    stripped.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a search text that count: each once, little ones only where nothing else is said, in typed order.
pub fn search_words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let read = text.char_indices().nth(MAX_QUERY_CHARS).map_or(text, |(end, _)| &text[..end]);
    for word in words(read) {
        // The last word is the one being completed, so a repeated word keeps its last place.
        all.retain(|other| *other != word);
        all.push(word);
    }
    let significant: Vec<String> = all.iter().filter(|word| !STOP_WORDS.contains(&word.as_str())).cloned().collect();
    let mut selected = if significant.is_empty() { all } else { significant };
    selected.truncate(MAX_QUERY_WORDS);
    selected
}

/// How far a query word is from a term of the catalogue.
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

/// How many typos are forgiven in a typed word.
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

/// Whether a written word is within the typos forgiven in the typed one; `completing` also accepts longer written words.
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
    fn text_is_cut_into_folded_words() {
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
    fn search_text_keeps_what_tells_something() {
        for (text, expected) in [
            ("tutorials in London", vec!["tutorials", "london"]),
            ("the", vec!["the"]),
            ("mock cs2 mock", vec!["cs2", "mock"]),
        ] {
            assert_eq!(search_words(text), expected, "{text}");
        }
    }

    #[test]
    fn typos_are_forgiven_by_length_and_never_in_codes() {
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
