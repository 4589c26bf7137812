//! Codes made from names: short enough for their column, and each given once.

use std::collections::HashSet;

use crate::names::fold;

/// Gives out codes, no two alike in the comparison of names.
#[derive(Debug, Default)]
pub struct Codes {
    given: HashSet<String>,
}

impl Codes {
    /// `wanted`, cut to `longest` characters, its end replaced by a number where it was given before.
    pub fn give(&mut self, wanted: &str, longest: usize) -> String {
        let mut code: String = wanted.chars().take(longest).collect();
        let mut number = 1_u32;
        while !self.given.insert(fold(&code)) {
            number += 1;
            let end = number.to_string();
            let kept: String = wanted.chars().take(longest.saturating_sub(end.len())).collect();
            code = kept + &end;
        }
        code
    }
}

/// A name as a login or a code: lower-case letters and digits, the rest as single dots.
pub fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fit_and_differ() {
        let mut codes = Codes::default();
        for (wanted, given) in [
            ("CB1", "CB1"),
            ("Statistics", "Statistics"),
            ("Statistics for two", "Statistic2"),
            ("statistics", "statistic3"),
            ("ünïcödé letters", "ünïcödé le"),
        ] {
            assert_eq!(codes.give(wanted, 10), given);
        }
    }

    #[test]
    fn a_name_becomes_a_login() {
        assert_eq!(slug(" Ada  O'Marlow-Tarn "), "ada.o.marlow.tarn");
    }
}
