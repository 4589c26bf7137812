//! What a search finds: groups of store products, and bundles.

use std::sync::{Arc, OnceLock};

use super::rendered::{RenderedGroup, to_json};
use super::rows::{BundleRow, ComponentRow, PriceRecord, StoreProductRow, Text, TutorialEventRow, TutorialSessionRow};
use crate::search::compose;

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
#[derive(Clone, Debug)]
pub struct StoreProduct {
    /// The stored row.
    pub row: StoreProductRow,
    /// Type of the listing.
    pub kind: ListingKind,
    /// Prices by id.
    pub prices: Arc<[PriceRecord]>,
    /// `Some` when the variation has a recommendation; the inner value is the recommended store product, `None` when that
    /// is not sold in the same sitting.
    pub recommended: Option<Option<Arc<RecommendedProduct>>>,
    /// Events by start and code.
    pub events: Vec<TutorialEvent>,
}

/// What is shown of a store product that is recommended with another one.
#[derive(Clone, Debug)]
pub struct RecommendedProduct {
    /// Its id.
    pub id: i64,
    /// Code of the catalogue product.
    pub catalog_code: Text,
    /// Full name of the catalogue product.
    pub fullname: Text,
    /// Short name of the catalogue product.
    pub shortname: Text,
    /// Type of the variation.
    pub variation_type: Text,
    /// Its prices by id.
    pub prices: Arc<[PriceRecord]>,
}

impl RecommendedProduct {
    /// Returns what is shown of a store product.
    pub fn of(product: &StoreProduct) -> Self {
        let row = &product.row;
        Self {
            id: row.id,
            catalog_code: row.form.catalog_code.clone(),
            fullname: row.form.fullname.clone(),
            shortname: row.form.shortname.clone(),
            variation_type: row.form.variation_type.clone(),
            prices: product.prices.clone(),
        }
    }
}

/// One event with its sessions.
#[derive(Clone, Debug)]
pub struct TutorialEvent {
    /// The stored row.
    pub row: TutorialEventRow,
    /// Sessions by sequence. A session without location and venue has those of the event.
    pub sessions: Box<[TutorialSessionRow]>,
    /// Names of the instructors, each once.
    pub instructors: Box<[Text]>,
    /// The second (Unix time) from which the event is over: its last day has ended in its zone.
    pub over_from: i64,
}

impl TutorialEvent {
    /// Reports whether the event has places to book, over or not.
    pub fn has_places(&self) -> bool {
        !self.row.is_soldout && (self.row.is_unlimited || self.row.remain_space > 0)
    }
}

/// The store products of one catalogue product in one exam session of one subject.
#[derive(Debug)]
pub struct OfferGroup {
    /// At least one, by id.
    pub products: Vec<StoreProduct>,
    rendered: OnceLock<RenderedGroup>,
}

impl OfferGroup {
    /// Groups store products.
    pub fn new(products: Vec<StoreProduct>) -> Self {
        Self { products, rendered: OnceLock::new() }
    }

    /// Returns the group as responses contain it. It is made for the first of them: most groups of a large catalogue
    /// never are in one.
    pub fn rendered(&self) -> &RenderedGroup {
        self.rendered.get_or_init(|| RenderedGroup::new(&self.products))
    }
}

/// Returns what groups a store product: its sitting and its catalogue product.
pub fn group_key(row: &StoreProductRow) -> (i64, i64) {
    (row.sitting.id, row.form.catalog_product_id)
}

/// Returns whether the type of a variation is tutorial.
pub fn is_tutorial(row: &StoreProductRow) -> bool {
    row.form.variation_type.eq_ignore_ascii_case("tutorial")
}

/// Returns the name by which a store product is sorted and shown.
pub fn short_name(row: &StoreProductRow) -> &Text {
    if row.form.shortname.is_empty() { &row.form.fullname } else { &row.form.shortname }
}

/// One bundle with its components.
#[derive(Debug)]
pub struct StoreBundle {
    /// The stored row.
    pub row: BundleRow,
    /// Components in order.
    pub components: Vec<BundleComponent>,
    rendered: OnceLock<Box<[u8]>>,
}

impl StoreBundle {
    /// Joins a bundle with its components.
    pub fn new(row: BundleRow, components: Vec<BundleComponent>) -> Self {
        Self { row, components, rendered: OnceLock::new() }
    }

    /// Returns the bundle as responses contain it, made for the first of them.
    pub fn rendered(&self) -> &[u8] {
        self.rendered.get_or_init(|| to_json(&compose::build_bundle(self)).into())
    }
}

/// One component of a bundle.
#[derive(Clone, Debug)]
pub struct BundleComponent {
    /// The stored row.
    pub row: ComponentRow,
    /// Its store product: the group, and its position there. None: not on sale.
    pub product: Option<(Arc<OfferGroup>, usize)>,
}

impl BundleComponent {
    /// Returns the store product, if it is on sale.
    pub fn store_product(&self) -> Option<&StoreProduct> {
        let (group, position) = self.product.as_ref()?;
        group.products.get(*position)
    }
}

/// One item of a result.
#[derive(Clone, Debug)]
pub enum CatalogueItem {
    /// Store products that are shown together.
    Group(Arc<OfferGroup>),
    /// A bundle.
    Bundle(Arc<StoreBundle>),
}

/// What puts items in browsing order: by subject, bundles before products, then by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemKey<'a> {
    /// Code of the subject.
    pub subject: &'a str,
    /// Whether it is a group.
    pub is_group: bool,
    /// Name of the product or bundle.
    pub name: &'a str,
    /// Code of the exam session.
    pub exam_session: &'a str,
    /// Sitting of a group, id of a bundle.
    pub first: i64,
    /// Catalogue product of a group.
    pub second: i64,
}

impl<'a> ItemKey<'a> {
    /// Returns the key of the group of a store product.
    pub fn of_product(row: &'a StoreProductRow) -> Self {
        Self {
            subject: &row.sitting.subject_code,
            is_group: true,
            name: short_name(row),
            exam_session: &row.sitting.exam_session_code,
            first: row.sitting.id,
            second: row.form.catalog_product_id,
        }
    }

    /// Returns the key of a bundle.
    pub fn of_bundle(row: &'a BundleRow) -> Self {
        Self {
            subject: &row.subject_code,
            is_group: false,
            name: &row.name,
            exam_session: &row.exam_session_code,
            first: row.id,
            second: 0,
        }
    }
}

impl CatalogueItem {
    /// Returns the group, if it is one.
    pub fn group(&self) -> Option<&Arc<OfferGroup>> {
        match self {
            Self::Group(group) => Some(group),
            Self::Bundle(_) => None,
        }
    }

    /// Returns its number of rows.
    pub fn rows(&self) -> u32 {
        self.group().map_or(1, |group| group.products.len() as u32)
    }

    /// Returns what puts it in browsing order.
    pub fn key(&self) -> ItemKey<'_> {
        match self {
            Self::Group(group) => ItemKey::of_product(&group.products[0].row),
            Self::Bundle(bundle) => ItemKey::of_bundle(&bundle.row),
        }
    }
}
