//! The rows that the read model is built from, as plain data: nothing here asks PostgreSQL or knows HTTP.
//!
//! Columns are matched by name (`store.rs` selects them so). Only what is on sale is here (`is_active` of `acted.products`, `acted.bundles`, `acted.bundle_products`);
//! the meaning of each column is that of `acted.*`.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use sqlx::FromRow;

/// Everything that one search answer can draw on, read in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct CatalogueRows {
    /// The catalogue version that this snapshot shows.
    pub version: i64,
    /// Active store products with their subject, exam session, catalogue product and variation.
    pub store_products: Vec<StoreProductRow>,
    /// Prices of store products.
    pub prices: Vec<PriceRow>,
    /// Recommendations: product variation → the one to show beside it.
    pub recommendations: Vec<RecommendationRow>,
    /// Filter groups, the tree of categories.
    pub categories: Vec<CategoryRow>,
    /// Which catalogue product is directly in which category.
    pub memberships: Vec<MembershipRow>,
    /// Which category is offered under which filter key.
    pub facet_entries: Vec<FacetEntryRow>,
    /// Active bundles.
    pub bundles: Vec<BundleRow>,
    /// Active components of bundles.
    pub components: Vec<ComponentRow>,
    /// Tutorial events.
    pub events: Vec<TutorialEventRow>,
    /// Sessions of tutorial events.
    pub sessions: Vec<TutorialSessionRow>,
    /// Who takes which session or event.
    pub instructors: Vec<InstructorRow>,
}

/// One active row of `acted.products` with all that it refers to.
#[derive(Clone, Debug, Default, FromRow)]
pub struct StoreProductRow {
    /// `acted.products.id`.
    pub id: i64,
    /// Code of the store product, `CB1/PC/2025-04`.
    pub product_code: String,
    /// `acted.catalog_exam_session_subjects.id`.
    pub sitting_id: i64,
    /// `acted.catalog_subjects.id`.
    pub subject_id: i64,
    /// Code of the subject, `CB1`.
    pub subject_code: String,
    /// What the subject is called.
    pub subject_description: Option<String>,
    /// `acted.catalog_exam_sessions.id`.
    pub exam_session_id: i64,
    /// `2025-04` or `25S`.
    pub exam_session_code: String,
    /// `acted.catalog_product_product_variations.id`.
    pub product_variation_id: i64,
    /// `acted.catalog_products.id`.
    pub catalog_product_id: i64,
    /// Full name of the catalogue product.
    pub fullname: String,
    /// Short name of the catalogue product; for tutorials the location.
    pub shortname: String,
    /// Description of the catalogue product.
    pub description: Option<String>,
    /// Code of the catalogue product.
    pub catalog_code: String,
    /// Whether both variations are offered together.
    pub buy_both: bool,
    /// `acted.catalog_product_variations.id`.
    pub variation_id: i64,
    /// `eBook`, `Hub`, `Printed`, `Marking` or `Tutorial`.
    pub variation_type: String,
    /// Name of the variation.
    pub variation_name: String,
    /// Description of the variation.
    pub variation_description: Option<String>,
    /// Short description of the variation.
    pub variation_description_short: Option<String>,
}

/// One row of `acted.prices`.
#[derive(Clone, Debug, FromRow)]
pub struct PriceRow {
    /// Id of the price.
    pub id: i64,
    /// The store product that it is for.
    pub store_product_id: i64,
    /// `standard`, `retaker`, `reduced` or `additional`.
    pub price_type: String,
    /// Amount in units of the currency, two decimals.
    pub amount: Decimal,
    /// ISO 4217 code as stored.
    pub currency: String,
}

/// One row of `acted.product_productvariation_recommendations`.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct RecommendationRow {
    /// The product variation that is looked at.
    pub product_variation_id: i64,
    /// The product variation that is recommended beside it.
    pub recommended_id: i64,
}

/// One row of `acted.filter_groups`.
#[derive(Clone, Debug, FromRow)]
pub struct CategoryRow {
    /// Id of the group.
    pub id: i64,
    /// Name, not necessarily unique.
    pub name: String,
    /// The group that it is part of.
    pub parent_id: Option<i64>,
    /// Code, unique where there is one.
    pub code: Option<String>,
    /// Description, may be empty.
    pub description: String,
    /// Whether it can be chosen as a filter.
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

/// One active row of `acted.bundles`, names already overridden.
#[derive(Clone, Debug, Default, FromRow)]
pub struct BundleRow {
    /// Id of the bundle.
    pub id: i64,
    /// Effective name.
    pub name: String,
    /// Effective description.
    pub description: Option<String>,
    /// The subject of the bundle.
    pub subject_id: i64,
    /// Its code.
    pub subject_code: String,
    /// The exam session of the bundle.
    pub exam_session_id: i64,
    /// Its code.
    pub exam_session_code: String,
}

/// One active row of `acted.bundle_products`.
#[derive(Clone, Debug, FromRow)]
pub struct ComponentRow {
    /// The bundle.
    pub bundle_id: i64,
    /// The store product in it.
    pub store_product_id: i64,
    /// The price type that the bundle takes by default.
    pub default_price_type: String,
    /// How many of it.
    pub quantity: i32,
    /// Place within the bundle.
    pub sort_order: i32,
}

/// A place that something happens at: names, because that is what an answer shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Place {
    /// Name of the location.
    pub location: Option<String>,
    /// Code of the location.
    pub location_code: Option<String>,
    /// Name of the venue.
    pub venue: Option<String>,
}

/// One row of `acted.tutorial_events`.
#[derive(Clone, Debug)]
pub struct TutorialEventRow {
    /// Id of the event.
    pub id: i64,
    /// The store product that it is sold as.
    pub store_product_id: i64,
    /// Code, unique.
    pub code: String,
    /// Where it is.
    pub place: Place,
    /// Whether it is sold out.
    pub is_soldout: bool,
    /// Day on which it is decided whether it runs.
    pub finalisation_date: Option<Date>,
    /// Places left.
    pub remain_space: i32,
    /// First day.
    pub start_date: Date,
    /// Last day.
    pub end_date: Date,
}

/// One row of `acted.tutorial_sessions`.
#[derive(Clone, Debug, FromRow)]
pub struct TutorialSessionRow {
    /// Id of the session.
    pub id: i64,
    /// The event that it is part of.
    pub event_id: i64,
    /// Title.
    pub title: String,
    /// Where it is; nothing set at all means the place of the event.
    #[sqlx(flatten)]
    pub place: Place,
    /// When it begins.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub start: Timestamp,
    /// When it ends.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub end: Timestamp,
    /// Place within the event, from 1.
    pub sequence: i32,
    /// Where it is joined online.
    pub url: Option<String>,
}

/// One instructor of one event, through a session of it or for the whole event.
#[derive(Clone, Debug, FromRow)]
pub struct InstructorRow {
    /// The event.
    pub event_id: i64,
    /// Name as shown.
    pub name: String,
}
