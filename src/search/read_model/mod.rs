//! The read model: the whole shop in memory, in the shape in which it is asked for.
//!
//! Built from [`rows::Rows`] in one go and never changed; a newer one replaces it. Offers stand in the order in which browsing
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
use self::ranking::{Hits, Vocabulary};
use self::rows::{BundleRow, ComponentRow, EventRow, OfferRow, PriceRow, SessionRow};

/// What a listing is, as clients tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Tutorials, with events.
    Tutorial,
    /// Marking.
    Markings,
    /// Everything else.
    Materials,
}

impl Kind {
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
pub struct Offer {
    /// What is stored of it.
    pub row: OfferRow,
    /// Which listing it belongs to; offers of one listing are neighbours.
    pub listing: usize,
    /// What the listing is.
    pub kind: Kind,
    /// Its prices by id.
    pub prices: Vec<PriceRow>,
    /// Whether something is recommended beside it, and the offer in the same sitting if there is one.
    pub recommended: Option<Option<usize>>,
    /// Its events by start and code.
    pub events: Vec<Event>,
}

/// One event with its sessions.
#[derive(Debug)]
pub struct Event {
    /// What is stored of it.
    pub row: EventRow,
    /// Its sessions by sequence, each with the place that holds for it.
    pub sessions: Vec<SessionRow>,
    /// Who takes it, each name once.
    pub instructors: Vec<String>,
    /// Folded names and codes of its locations.
    pub location_names: Vec<String>,
    /// Folded names of its venues.
    pub venue_names: Vec<String>,
    /// Folded names of its instructors.
    pub instructor_names: Vec<String>,
}

impl Event {
    /// Whether somebody can still book it.
    pub fn is_available(&self) -> bool {
        !self.row.is_soldout && self.row.remain_space > 0
    }
}

/// One bundle with its components.
#[derive(Debug)]
pub struct Bundle {
    /// What is stored of it.
    pub row: BundleRow,
    /// Its components in order: the row, and the offer.
    pub components: Vec<(ComponentRow, usize)>,
}

/// The read model.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The catalogue version that this shows.
    pub version: i64,
    /// All offers in browsing order.
    pub offers: Vec<Offer>,
    /// All bundles in browsing order.
    pub bundles: Vec<Bundle>,
    /// The tree of categories.
    pub categories: Categories,
    vocabulary: Vocabulary,
}

impl Catalogue {
    /// The rows that answer a search text.
    pub fn hits(&self, text: &str) -> Hits {
        self.vocabulary.hits(text)
    }

    /// The row number of a bundle in the vocabulary.
    pub fn bundle_row(&self, bundle: usize) -> u32 {
        row_number(self.offers.len() + bundle)
    }
}

/// The row number of an offer in the vocabulary.
pub fn row_number(offer: usize) -> u32 {
    u32::try_from(offer).unwrap_or(u32::MAX)
}

/// Whether a variation is a tutorial by its own type.
pub fn is_tutorial(row: &OfferRow) -> bool {
    row.variation_type.eq_ignore_ascii_case("tutorial")
}
