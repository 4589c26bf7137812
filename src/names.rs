//! How names are compared everywhere in Lectern, and which known name a wrong one probably meant.
//!
//! Two names are the same when their folded forms are equal: NFKC, full case folding, white space
//! collapsed. Accents count. Names of people are compared whole, never split.

use unicode_normalization::UnicodeNormalization;

/// How alike two names must be (Jaro-Winkler, 0 to 1) before one is suggested for the other.
const ALIKE: f64 = 0.8;

/// Longer texts, in bytes, are no misspelt names.
const LONGEST: usize = 255;

/// The form in which names are compared: NFKC, full case folding, white space trimmed and collapsed.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return collapse(&name.to_ascii_lowercase());
    }
    let composed: String = name.nfkc().collect();
    // Folding can undo the normal form ("ᾳ"), so it is restored afterwards.
    let folded: String = caseless::default_case_fold_str(&composed).nfkc().collect();
    collapse(&folded)
}

/// A name as it is kept: white space trimmed and collapsed, the letters as they are.
pub fn tidy(name: &str) -> String {
    collapse(name)
}

/// Up to three of `known` that resemble `wanted`, best first, each once.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    NameSet::new(known).nearest(wanted)
}

/// Names that others are compared with, folded once.
#[derive(Debug)]
pub struct NameSet<'a> {
    names: Vec<(String, &'a str)>,
}

impl<'a> NameSet<'a> {
    /// Takes the names; blank ones resemble nothing.
    pub fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let folded = names.into_iter().map(|name| (fold(name), name));
        NameSet { names: folded.filter(|(folded, _)| !folded.is_empty()).collect() }
    }

    /// Up to three that resemble `wanted`, best first, each once.
    pub fn nearest(&self, wanted: &str) -> Vec<String> {
        if wanted.len() > LONGEST {
            return Vec::new();
        }
        let wanted = fold(wanted);
        let alike = |(folded, name): &(String, &'a str)| (strsim::jaro_winkler(&wanted, folded), *name);
        let mut found: Vec<(f64, &str)> = self.names.iter().map(alike).filter(|(alike, _)| *alike >= ALIKE).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        found.dedup_by(|a, b| a.1 == b.1);
        found.truncate(3);
        found.into_iter().map(|(_, name)| name.to_owned()).collect()
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
    fn equal_names_fold_alike() {
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
    fn the_nearest_names_come_first() {
        let known = ["London", "Leeds", "Dublin"];
        assert_eq!(nearest("Lndon", known), ["London"]);
        assert!(nearest("Paris", known).is_empty());
    }
}
