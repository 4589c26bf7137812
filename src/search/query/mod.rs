//! A search query: its filters, and how it is parsed and executed.
//!
//! A query comes from a JSON body with navigation parameters in the URL (`POST /api/search/unified/`), or from a query
//! string alone (`GET` with `q`, `page`, `page_size` and repeated filter keys).

pub mod answer;
pub mod conditions;
pub mod cursor;
pub mod description;
pub mod explanation;
pub mod facets;
pub mod filters;
mod page;
mod parse;
mod search;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use self::cursor::Cursor;
pub use self::filters::{Filters, ListFilter};
pub use self::parse::{get_parameters, post_parameters};
pub use self::search::{FoundPage, search};

/// Minimum length of a search text after trimming. A shorter text means browsing.
const MIN_TEXT_CHARS: usize = 2;

/// One search query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// Trimmed search text; empty when browsing.
    pub text: String,
    /// Filters that every result passes.
    pub filters: Filters,
    /// Page number, from 1.
    pub page: u64,
    /// Rows per page, 1 to 100.
    pub page_size: u64,
    /// Whether the results include bundles.
    pub include_bundles: bool,
    /// The page begins after this item.
    pub cursor: Option<Cursor>,
    /// Members of the response and of its items that are sent; empty: all.
    pub fields: BTreeSet<String>,
    /// Whether items say why they were found.
    pub explain: bool,
    /// Whether items contain the texts that match, with marks.
    pub highlight: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: String::new(),
            filters: Filters::default(),
            page: 1,
            page_size: 20,
            include_bundles: true,
            cursor: None,
            fields: BTreeSet::new(),
            explain: false,
            highlight: false,
        }
    }
}

impl Query {
    /// Returns a query for a text, with defaults for everything else.
    pub fn for_text(text: &str) -> Self {
        let mut query = Self::default();
        query.set_text(text);
        query
    }

    /// Returns a number for text and filters, the same in every process.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.text, &self.filters, self.include_bundles).hash(&mut hasher);
        hasher.finish()
    }

    fn set_text(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().count() >= MIN_TEXT_CHARS {
            text.clone_into(&mut self.text);
        } else {
            self.text.clear();
        }
    }
}
