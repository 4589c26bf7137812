//! Words: how text is cut up, and when a typed word counts as a written one.
//!
//! A typed word matches a written one when they are equal; when it is the last one typed and the written word begins
//! with it; or, where neither happens anywhere in the catalogue, within a few typos (one from four letters on, two from
//! eight). Words with digits never match by typo: `CM1` and `CM2` are two subjects, not one misspelt.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::names::fold;

/// How many words of a search text are looked at; the rest is ignored.
pub const WORDS_LIMIT: usize = 16;

/// How many characters of a search text are read at all: megabytes cost no more than a long sentence.
const TEXT_READ: usize = 1000;

/// Words that say nothing when others stand beside them.
const LITTLE_WORDS: [&str; 12] = ["a", "an", "and", "at", "for", "from", "in", "of", "on", "the", "to", "with"];

/// Cuts text into folded words: accents and apostrophes are dropped, anything else that is no letter or digit separates.
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let plain: String = if folded.is_ascii() {
        folded.replace('\'', "")
    } else {
        folded.nfd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '\u{2019}')).collect()
    };
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a search text that count: each once, little ones only where nothing else is said, in typed order.
pub fn search_words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let read = text.char_indices().nth(TEXT_READ).map_or(text, |(end, _)| &text[..end]);
    for word in words(read) {
        // The last word is the one being completed, so a repeated word keeps its last place.
        all.retain(|known| *known != word);
        all.push(word);
    }
    let telling: Vec<String> = all.iter().filter(|word| !LITTLE_WORDS.contains(&word.as_str())).cloned().collect();
    let mut chosen = if telling.is_empty() { all } else { telling };
    chosen.truncate(WORDS_LIMIT);
    chosen
}

/// How well a typed word answers to a written one, 0 (not at all) to 1 (the same word).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct TypoDistance(pub f32);

impl TypoDistance {
    /// The same word.
    pub const EXACT: Self = Self(1.0);
    /// The written word begins with the typed one.
    pub const PREFIX: Self = Self(0.9);
    /// One typo apart.
    const ONE_TYPO: Self = Self(0.8);
    /// Two typos apart.
    const TWO_TYPOS: Self = Self(0.65);
    /// The written word begins with something within the typos of the typed one.
    const PREFIX_WITH_TYPOS: Self = Self(0.6);
}

/// How many typos are forgiven in a typed word.
fn typos_forgiven(word: &str) -> usize {
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
pub fn within_typos(typed: &str, written: &str, completing: bool) -> Option<TypoDistance> {
    let forgiven = typos_forgiven(typed);
    if forgiven == 0 || written.chars().any(|c| c.is_numeric()) {
        return None;
    }
    let (typed_length, written_length) = (typed.chars().count(), written.chars().count());
    if typed_length.abs_diff(written_length) <= forgiven {
        match strsim::osa_distance(typed, written) {
            0 => return Some(TypoDistance::EXACT),
            1 => return Some(TypoDistance::ONE_TYPO),
            2 if forgiven == 2 => return Some(TypoDistance::TWO_TYPOS),
            _ => {}
        }
    }
    if completing && written_length > typed_length {
        let beginning: String = written.chars().take(typed_length).collect();
        if strsim::osa_distance(typed, &beginning) <= forgiven {
            return Some(TypoDistance::PREFIX_WITH_TYPOS);
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
        for (typed, written, completing, forgiven) in [
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
            assert_eq!(within_typos(typed, written, completing).is_some(), forgiven, "{typed} {written}");
        }
    }
}
