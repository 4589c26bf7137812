//! How names are compared everywhere: case, width and white space do not tell two names apart, accents do.

use unicode_normalization::UnicodeNormalization;

/// The form in which two names are compared: NFKC, full case folding, white space collapsed and trimmed.
///
/// ```
/// assert_eq!(lectern::names::fold("  King's   CROSS "), "king's cross");
/// assert_ne!(lectern::names::fold("Zoe"), lectern::names::fold("Zoë"));
/// ```
pub fn fold(name: &str) -> String {
    let composed: String = name.nfkc().collect();
    let folded: String = caseless::default_case_fold_str(&composed).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
