//! Codes derived from names: short enough for their column, and unique.

use std::collections::HashSet;

use crate::names::fold;

/// Allocates codes that differ by [`fold`].
#[derive(Debug, Default)]
pub struct Codes {
    allocated: HashSet<String>,
}

impl Codes {
    /// Returns `name` cut to `max_chars` characters. If that code exists, its end is replaced by a number.
    pub fn allocate(&mut self, name: &str, max_chars: usize) -> String {
        let mut code: String = name.chars().take(max_chars).collect();
        let mut number = 1_u32;
        while !self.allocated.insert(fold(&code)) {
            number += 1;
            let suffix = number.to_string();
            let prefix: String = name.chars().take(max_chars.saturating_sub(suffix.len())).collect();
            code = prefix + &suffix;
        }
        code
    }
}

/// Returns a name as a login or code: lower-case letters and digits, everything else replaced by single dots.
pub fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_and_unique() {
        let mut codes = Codes::default();
        for (name, code) in [
            ("CB1", "CB1"),
            ("Statistics", "Statistics"),
            ("Statistics for two", "Statistic2"),
            ("statistics", "statistic3"),
            ("ünïcödé letters", "ünïcödé le"),
        ] {
            assert_eq!(codes.allocate(name, 10), code);
        }
    }

    #[test]
    fn slug_of_name_is_login() {
        assert_eq!(slug(" Ada  O'Marlow-Tarn "), "ada.o.marlow.tarn");
    }
}
