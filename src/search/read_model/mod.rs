//! The read model: the whole catalogue in memory, in the form that queries use.
//!
//! It is built from [`rows::CatalogueRows`] and never changed; a newer model replaces it. Store products are in browsing
//! order, so the products of one listing (one catalogue product in one exam session of one subject) are adjacent. In the
//! vocabulary, store products come before bundles: the row number of bundle `n` is `store_products.len() + n`.

mod build;
pub mod categories;
pub mod follow;
pub mod ranking;
pub mod rows;
pub mod text;
pub mod touched;

use self::categories::Categories;
use self::ranking::{Matches, Vocabulary};
use self::rows::{
    BundleRow, ComponentRow, FilterRow, PriceRecord, StoreProductRow, TutorialEventRow, TutorialSessionRow,
};

/// Type of a listing, as clients distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingKind {
    /// Tutorials, with events.
    Tutorial,
    /// Marking.
    Markings,
    /// Everything else.
    Materials,
}

impl ListingKind {
    /// Returns the value in a response.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tutorial => "Tutorial",
            Self::Markings => "Markings",
            Self::Materials => "Materials",
        }
    }
}

/// One store product: a variation of a catalogue product in one exam session of one subject.
#[derive(Debug)]
pub struct StoreProduct {
    /// The stored row.
    pub row: StoreProductRow,
    /// Number of its listing. Products of one listing are adjacent.
    pub listing: usize,
    /// Type of the listing.
    pub kind: ListingKind,
    /// Prices by id.
    pub prices: Vec<PriceRecord>,
    /// `Some` when the variation has a recommendation; the inner value is the index of the recommended store product,
    /// `None` when that is not sold in the same sitting.
    pub recommended: Option<Option<usize>>,
    /// Events by start and code.
    pub events: Vec<TutorialEvent>,
}

/// One event with its sessions.
#[derive(Debug)]
pub struct TutorialEvent {
    /// The stored row.
    pub row: TutorialEventRow,
    /// Sessions by sequence. A session without location and venue has those of the event.
    pub sessions: Vec<TutorialSessionRow>,
    /// Names of the instructors, each once.
    pub instructors: Vec<String>,
    /// Folded names and codes of its locations.
    pub location_names: Vec<String>,
    /// Folded names of its venues.
    pub venue_names: Vec<String>,
    /// Folded names of its instructors.
    pub instructor_names: Vec<String>,
}

impl TutorialEvent {
    /// Returns whether the event can be booked.
    pub fn is_available(&self) -> bool {
        !self.row.is_soldout && self.row.remain_space > 0
    }
}

/// One bundle with its components.
#[derive(Debug)]
pub struct StoreBundle {
    /// The stored row.
    pub row: BundleRow,
    /// Components in order: the row, and the index of its store product.
    pub components: Vec<(ComponentRow, usize)>,
}

/// The read model.
#[derive(Debug, Default)]
pub struct ReadModel {
    /// Catalogue version of the snapshot.
    pub version: i64,
    /// All store products in browsing order.
    pub store_products: Vec<StoreProduct>,
    /// All bundles in browsing order.
    pub bundles: Vec<StoreBundle>,
    /// The tree of categories.
    pub categories: Categories,
    /// The active filters of the shop, in their order.
    pub filters: Vec<FilterRow>,
    vocabulary: Vocabulary,
}

impl ReadModel {
    /// Reports whether there is nothing that a search could find.
    pub fn is_empty(&self) -> bool {
        self.store_products.is_empty() && self.bundles.is_empty()
    }

    /// Matches a search text with all rows.
    pub fn matches(&self, text: &str) -> Matches {
        self.vocabulary.matches(text)
    }

    /// Returns the row number of a bundle in the vocabulary.
    pub fn bundle_row(&self, bundle: usize) -> u32 {
        row_number(self.store_products.len() + bundle)
    }
}

/// Returns the row number of a store product in the vocabulary.
pub fn row_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Returns whether the type of a variation is tutorial.
pub fn is_tutorial(row: &StoreProductRow) -> bool {
    row.variation_type.eq_ignore_ascii_case("tutorial")
}
