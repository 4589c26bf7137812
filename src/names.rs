//! Comparison of names, and suggestions for misspelt names.
//!
//! Two names are equal when their folded forms are equal: without invisible characters, NFKC, full case folding, white
//! space collapsed. Accents are significant. The names of people are compared as a whole, never split.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The least similarity (Jaro-Winkler, 0 to 1) at which one name is suggested for another.
const MIN_SIMILARITY: f64 = 0.8;

/// The longest text, in bytes, for which names are suggested.
const MAX_NAME_BYTES: usize = 255;

/// Returns the folded form of a name: NFKC, full case folding, white space trimmed and collapsed.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return collapse(&name.to_ascii_lowercase());
    }
    let composed: String = visible(name).nfkc().collect();
    // Case folding can undo the normal form ("ᾳ"), so the form is restored afterwards.
    let folded: String = caseless::default_case_fold_str(&composed).nfkc().collect();
    collapse(&folded)
}

/// Reports whether a character is never visible: zero width, byte order mark, soft hyphen, direction, variation, filler,
/// tag (the default ignorable code points of Unicode, and the marks of interlinear annotations).
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns a text without invisible characters, with plain spaces and hyphens instead of other ones.
///
/// Texts pasted from web pages and word processors contain them, and look equal without being equal.
pub fn visible(text: &str) -> Cow<'_, str> {
    let plain = |character| match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{2010}' | '\u{2011}' | '\u{fe63}' | '\u{ff0d}' => '-',
        other => other,
    };
    if text.is_ascii() || !text.chars().any(|character| is_invisible(character) || plain(character) != character) {
        return Cow::Borrowed(text);
    }
    text.chars().filter(|character| !is_invisible(*character)).map(plain).collect()
}

/// Returns a name as it is stored: white space trimmed and collapsed, letters unchanged.
pub fn tidy(name: &str) -> String {
    collapse(name)
}

/// Returns up to three of the `known` names that resemble `name`, best match first, without duplicates.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    NameSet::new(known).nearest(name)
}

/// Known names with their folded forms.
#[derive(Debug)]
pub struct NameSet<'a> {
    names: Vec<(String, &'a str)>,
}

impl<'a> NameSet<'a> {
    /// Folds the names. Blank names are left out.
    pub fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let folded = names.into_iter().map(|name| (fold(name), name));
        NameSet { names: folded.filter(|(folded, _)| !folded.is_empty()).collect() }
    }

    /// Returns up to three names that resemble `name`, best match first, without duplicates.
    pub fn nearest(&self, name: &str) -> Vec<String> {
        if name.len() > MAX_NAME_BYTES {
            return Vec::new();
        }
        let query = fold(name);
        let scores = self.names.iter().map(|known| (strsim::jaro_winkler(&query, &known.0), known));
        let mut found: Vec<_> = scores.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        found.dedup_by(|a, b| a.1.0 == b.1.0);
        found.truncate(3);
        found.into_iter().map(|(_, (_, name))| (*name).to_owned()).collect()
    }
}

fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_forms_of_equal_names_are_equal() {
        for (one, other) in [
            ("London", " LONDON "),
            ("Live  online", "live\u{a0}online"),
            ("Straße", "STRASSE"),
            ("ﬁnance", "FINANCE"),
            ("José", "JOSE\u{301}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} / {other}");
        }
        assert_ne!(fold("José"), fold("Jose"));
    }

    #[test]
    fn nearest_names_are_suggested() {
        let known = ["London", "Leeds", "Dublin"];
        assert_eq!(nearest("Lndon", known), ["London"]);
        assert!(nearest("Paris", known).is_empty());
        assert_eq!(nearest("Lndon", ["LONDON", "Londan", "London", " london"]), ["Londan", " london"], "once each");
    }
}
