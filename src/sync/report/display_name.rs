//! The names of records as users read them.

use crate::names::tidy;

/// Returns a name on one line, `(no name)` for a blank one.
pub(crate) fn display_name(name: &str) -> String {
    match tidy(name) {
        empty if empty.is_empty() => "(no name)".to_owned(),
        name => name,
    }
}
