//! The rows that the read model is built from, as plain data.
//!
//! Fields mean what the columns of `acted.*` mean. Texts that repeat are shared. Only rows on sale are loaded (`is_active`
//! of `acted.products`, `acted.bundles` and `acted.bundle_products`).

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::FromRow;

/// A text that many rows share.
pub type Text = Arc<str>;

/// All rows that search uses, read in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct CatalogueRows {
    /// Catalogue version of the snapshot.
    pub version: i64,
    /// Active store products with their subject, exam session, catalogue product and variation.
    pub store_products: Vec<StoreProductRow>,
    /// Prices of store products.
    pub prices: Vec<PriceRecord>,
    /// Recommendations: product variation → recommended product variation.
    pub recommendations: Vec<RecommendationRow>,
    /// Filter groups, the tree of categories.
    pub categories: Vec<CategoryRow>,
    /// Which catalogue product is directly in which category.
    pub memberships: Vec<MembershipRow>,
    /// Which category is listed under which filter key.
    pub facet_entries: Vec<FacetEntryRow>,
    /// Active filters of the shop.
    pub filters: Vec<FilterRow>,
    /// Active bundles.
    pub bundles: Vec<BundleRow>,
    /// Active components of bundles.
    pub components: Vec<ComponentRow>,
    /// Tutorial events.
    pub events: Vec<TutorialEventRow>,
    /// Sessions of tutorial events.
    pub sessions: Vec<TutorialSessionRow>,
    /// Instructors of events and sessions.
    pub instructors: Vec<InstructorRecord>,
    /// Words with other words that mean the same.
    pub synonyms: Vec<SynonymRow>,
}

/// One word of the synonyms.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct SynonymRow {
    /// The word that a search contains.
    pub word: String,
    /// What finds the same.
    pub synonyms: Vec<String>,
}

/// One active row of `acted.products` with the rows it refers to, which many rows share.
#[derive(Clone, Debug, Default)]
pub struct StoreProductRow {
    /// `acted.products.id`.
    pub id: i64,
    /// Code of the store product, `CB1/PC/2025-04`.
    pub product_code: Text,
    /// The subject in an exam session.
    pub sitting: Arc<SittingRow>,
    /// The catalogue product in a variation.
    pub form: Arc<FormRow>,
}

/// One row of `acted.catalog_exam_session_subjects` with its subject and exam session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SittingRow {
    /// Its id.
    pub id: i64,
    /// `acted.catalog_subjects.id`.
    pub subject_id: i64,
    /// Code of the subject, `CB1`.
    pub subject_code: Text,
    /// Name of the subject.
    pub subject_description: Option<Text>,
    /// `acted.catalog_exam_sessions.id`.
    pub exam_session_id: i64,
    /// `2025-04` or `25S`.
    pub exam_session_code: Text,
}

/// One row of `acted.catalog_product_product_variations` with its catalogue product and variation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormRow {
    /// Its id.
    pub id: i64,
    /// `acted.catalog_products.id`.
    pub catalog_product_id: i64,
    /// Full name of the catalogue product.
    pub fullname: Text,
    /// Short name of the catalogue product; for tutorials the location.
    pub shortname: Text,
    /// Description of the catalogue product.
    pub description: Option<Text>,
    /// Code of the catalogue product.
    pub catalog_code: Text,
    /// Whether both variations are sold together.
    pub buy_both: bool,
    /// `acted.catalog_product_variations.id`.
    pub variation_id: i64,
    /// `eBook`, `Hub`, `Printed`, `Marking` or `Tutorial`.
    pub variation_type: Text,
    /// Name of the variation.
    pub variation_name: Text,
    /// Description of the variation.
    pub variation_description: Option<Text>,
    /// Short description of the variation.
    pub variation_description_short: Option<Text>,
}

/// One row of `acted.prices`.
#[derive(Clone, Debug)]
pub struct PriceRecord {
    /// Id of the price.
    pub id: i64,
    /// The store product with this price.
    pub store_product_id: i64,
    /// `standard`, `retaker`, `reduced` or `additional`.
    pub price_type: Text,
    /// Amount in units of the currency, two decimals.
    pub amount: Decimal,
    /// ISO 4217 code as stored.
    pub currency: Text,
}

/// One row of `acted.product_productvariation_recommendations`.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct RecommendationRow {
    /// The product variation being viewed.
    pub product_variation_id: i64,
    /// The product variation recommended with it.
    pub recommended_id: i64,
}

/// One row of `acted.filter_groups`.
#[derive(Clone, Debug, FromRow)]
pub struct CategoryRow {
    /// Id of the group.
    pub id: i64,
    /// Name, not necessarily unique.
    pub name: String,
    /// Id of the parent group.
    pub parent_id: Option<i64>,
    /// Code, unique when set.
    pub code: Option<String>,
    /// Description, may be empty.
    pub description: String,
    /// Whether it can be used as a filter.
    pub is_active: bool,
}

/// One row of `acted.filter_product_product_groups`.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct MembershipRow {
    /// The catalogue product.
    pub catalog_product_id: i64,
    /// The category.
    pub category_id: i64,
}

/// One category under one active filter configuration.
#[derive(Clone, Debug, FromRow)]
pub struct FacetEntryRow {
    /// `categories` or `product_types`.
    pub filter_key: String,
    /// The category.
    pub category_id: i64,
}

/// One active row of `acted.filter_configurations` with the groups that it offers.
#[derive(Clone, Debug, FromRow)]
pub struct FilterRow {
    /// Unique name for programs.
    pub name: String,
    /// Heading for readers, may be empty.
    pub display_label: String,
    /// Text for editors, may be empty.
    pub description: String,
    /// What the filter compares, such as `filter_group`.
    pub filter_type: String,
    /// Key of the filter in a search request.
    pub filter_key: String,
    /// Position in the shop.
    pub display_order: i32,
    /// Whether it can be folded.
    pub is_collapsible: bool,
    /// Whether it is unfolded at first.
    pub is_expanded_by_default: bool,
    /// Whether a value has to be chosen.
    pub is_required: bool,
    /// Whether several values can be chosen.
    pub allow_multiple: bool,
    /// Further settings for the shop.
    pub ui_config: Value,
    /// Rules for its values.
    pub validation_rules: Value,
    /// Rules on other filters.
    pub dependency_rules: Value,
    /// Its active groups in their order, as JSON: id, name, code, display_order, is_default.
    #[sqlx(json)]
    pub groups: Vec<Value>,
}

/// One active row of `acted.bundles`, with overrides of its template applied.
#[derive(Clone, Debug, Default)]
pub struct BundleRow {
    /// Id of the bundle.
    pub id: i64,
    /// Effective name.
    pub name: Text,
    /// Effective description.
    pub description: Option<Text>,
    /// The subject of the bundle.
    pub subject_id: i64,
    /// Its code.
    pub subject_code: Text,
    /// The exam session of the bundle.
    pub exam_session_id: i64,
    /// Its code.
    pub exam_session_code: Text,
}

/// One active row of `acted.bundle_products`.
#[derive(Clone, Debug)]
pub struct ComponentRow {
    /// The bundle.
    pub bundle_id: i64,
    /// The store product in it.
    pub store_product_id: i64,
    /// The price type that the bundle uses by default.
    pub default_price_type: Text,
    /// Quantity in the bundle.
    pub quantity: i32,
    /// Position within the bundle.
    pub sort_order: i32,
}

/// Location and venue by name, as shown in a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Name of the location.
    pub location: Option<Text>,
    /// Code of the location.
    pub location_code: Option<Text>,
    /// Name of the venue.
    pub venue: Option<Text>,
}

/// One row of `acted.tutorial_events`.
#[derive(Clone, Debug)]
pub struct TutorialEventRow {
    /// Id of the event.
    pub id: i64,
    /// The store product that sells the event.
    pub store_product_id: i64,
    /// Code, unique.
    pub code: Text,
    /// Location and venue of the event.
    pub place: Place,
    /// Whether the event is sold out.
    pub is_soldout: bool,
    /// Day on which the provider decides whether the event runs.
    pub finalisation_date: Option<Date>,
    /// Places left.
    pub remain_space: i32,
    /// First day.
    pub start_date: Date,
    /// Last day.
    pub end_date: Date,
    /// Whether it has no maximum of places.
    pub is_unlimited: bool,
    /// Its time zone (IANA), if known.
    pub time_zone: Option<Text>,
}

/// One row of `acted.tutorial_sessions`.
#[derive(Clone, Debug)]
pub struct TutorialSessionRow {
    /// Id of the session.
    pub id: i64,
    /// Id of its event.
    pub event_id: i64,
    /// Title of the session.
    pub title: Text,
    /// Location and venue of the session. When neither is set, those of the event apply.
    pub place: Place,
    /// Start time.
    pub start: Timestamp,
    /// End time.
    pub end: Timestamp,
    /// Position within the event, from 1.
    pub sequence: i32,
    /// URL to join the session online.
    pub url: Option<Text>,
}

/// One instructor of one event, assigned to the event or to one of its sessions.
#[derive(Clone, Debug)]
pub struct InstructorRecord {
    /// The event.
    pub event_id: i64,
    /// Display name.
    pub name: Text,
}
