//! The read model: the whole shop in memory, in the shape in which it is asked for.
//!
//! Built from [`rows::CatalogueRows`] in one go and never changed; a newer one replaces it. Offers stand in the order in which browsing
//! shows them, so the offers of one listing (one catalogue product in one exam session of one subject) are neighbours.
//! The words of offers come first in the vocabulary, those of bundles after them: the row number of bundle `n` is
//! `offers.len() + n`.

mod build;
pub mod categories;
pub mod follow;
pub mod ranking;
pub mod rows;
pub mod text;

use self::categories::Categories;
use self::ranking::{Matches, Vocabulary};
use self::rows::{BundleRow, ComponentRow, PriceRow, StoreProductRow, TutorialEventRow, TutorialSessionRow};

/// What a listing is, as clients tell them apart.
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
    /// The word in an answer.
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
    /// What is stored of it.
    pub row: StoreProductRow,
    /// Which listing it belongs to; offers of one listing are neighbours.
    pub listing: usize,
    /// What the listing is.
    pub kind: ListingKind,
    /// Its prices by id.
    pub prices: Vec<PriceRow>,
    /// Whether something is recommended beside it, and the offer in the same sitting if there is one.
    pub recommended: Option<Option<usize>>,
    /// Its events by start and code.
    pub events: Vec<TutorialEvent>,
}

/// One event with its sessions.
#[derive(Debug)]
pub struct TutorialEvent {
    /// What is stored of it.
    pub row: TutorialEventRow,
    /// Its sessions by sequence, each with the place that holds for it.
    pub sessions: Vec<TutorialSessionRow>,
    /// Who takes it, each name once.
    pub instructors: Vec<String>,
    /// Folded names and codes of its locations.
    pub location_names: Vec<String>,
    /// Folded names of its venues.
    pub venue_names: Vec<String>,
    /// Folded names of its instructors.
    pub instructor_names: Vec<String>,
}

impl TutorialEvent {
    /// Whether somebody can still book it.
    pub fn is_available(&self) -> bool {
        !self.row.is_soldout && self.row.remain_space > 0
    }
}

/// One bundle with its components.
#[derive(Debug)]
pub struct StoreBundle {
    /// What is stored of it.
    pub row: BundleRow,
    /// Its components in order: the row, and the offer.
    pub components: Vec<(ComponentRow, usize)>,
}

/// The read model.
#[derive(Debug, Default)]
pub struct ReadModel {
    /// The catalogue version that this shows.
    pub version: i64,
    /// All offers in browsing order.
    pub store_products: Vec<StoreProduct>,
    /// All bundles in browsing order.
    pub bundles: Vec<StoreBundle>,
    /// The tree of categories.
    pub categories: Categories,
    vocabulary: Vocabulary,
}

impl ReadModel {
    /// The rows that answer a search text.
    pub fn matches(&self, text: &str) -> Matches {
        self.vocabulary.matches(text)
    }

    /// The row number of a bundle in the vocabulary.
    pub fn bundle_row(&self, bundle: usize) -> u32 {
        row_number(self.store_products.len() + bundle)
    }
}

/// The row number of an offer in the vocabulary.
pub fn row_number(product: usize) -> u32 {
    u32::try_from(product).unwrap_or(u32::MAX)
}

/// Whether a variation is a tutorial by its own type.
pub fn is_tutorial(row: &StoreProductRow) -> bool {
    row.variation_type.eq_ignore_ascii_case("tutorial")
}
