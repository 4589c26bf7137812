//! What the provider sells: subjects, exam sessions, products and their variations, prices, bundles, filter groups.
//!
//! Promises: a [`Catalogue`] says all of it in names, never in ids; [`add`] brings in what is missing and leaves alone
//! what is there, so that it may be repeated.
//!
//! Does not: change or take away anything, or decide what is shown (search does).

pub mod store;

use jiff::civil::Date;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::error::Result;

/// A catalogue as plain data. Rows refer to each other by the names that their fields document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// What is taught.
    pub subjects: Vec<Subject>,
    /// When it is examined.
    pub exam_sessions: Vec<ExamSession>,
    /// The tree of filter groups, parents before children.
    pub groups: Vec<Group>,
    /// Which groups a search offers to choose from.
    pub facets: Vec<Facet>,
    /// Products, independent of subject and exam session.
    pub products: Vec<Product>,
    /// The forms in which products come.
    pub variations: Vec<Variation>,
    /// What is on sale.
    pub store_products: Vec<NewStoreProduct>,
    /// Which product variation is shown beside which.
    pub recommendations: Vec<Recommendation>,
    /// What is sold together.
    pub bundles: Vec<Bundle>,
}

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Up to 10 characters, unique.
    pub code: String,
    /// What it is called.
    pub description: String,
}

/// An exam session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExamSession {
    /// Up to 50 characters, `2026-04`.
    pub code: String,
    /// First day of the exams.
    pub starts: Date,
    /// Last day of the exams.
    pub ends: Date,
}

/// A filter group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Shown, and what a filter names; up to 100 characters.
    pub name: String,
    /// Unique key, up to 100 characters.
    pub code: String,
    /// Key of the group that it is part of.
    pub parent: Option<String>,
}

/// A filter whose choices are groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The key of a search request, `categories`.
    pub key: String,
    /// Shown.
    pub label: String,
    /// Keys of its groups, in the order shown.
    pub groups: Vec<String>,
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Up to 255 characters; unique among the products of one catalogue.
    pub fullname: String,
    /// Up to 100 characters; of a tutorial, the location.
    pub shortname: String,
    /// Up to 10 characters.
    pub code: String,
    /// Said about it.
    pub description: String,
    /// Whether both variations are offered together.
    pub buy_both: bool,
    /// Key of the group that it is in.
    pub group: String,
}

/// A form in which products come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variation {
    /// `eBook`, `Hub`, `Printed`, `Marking` or `Tutorial`.
    pub kind: String,
    /// Up to 64 characters, unique among those of its kind.
    pub name: String,
    /// Up to 50 characters, unique; of a tutorial, the course template's.
    pub code: String,
    /// Said about it, up to 255 characters.
    pub description: String,
}

/// A product variation on sale for a subject in an exam session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStoreProduct {
    /// Up to 64 characters, unique.
    pub code: String,
    /// Code of the exam session.
    pub exam_session: String,
    /// Code of the subject.
    pub subject: String,
    /// Full name of the product.
    pub product: String,
    /// Code of the variation.
    pub variation: String,
    /// Price types with their amounts: `standard`, `retaker`, …
    pub prices: Vec<(String, Decimal)>,
    /// ISO 4217 code of the prices.
    pub currency: String,
}

/// A product variation that is shown beside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// Full name of the product looked at, and code of its variation.
    pub of: (String, String),
    /// Full name of the product shown beside it, and code of its variation.
    pub recommended: (String, String),
}

/// Offers of one subject in one exam session that are sold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Up to 255 characters, unique among those of a subject.
    pub name: String,
    /// Said about it.
    pub description: String,
    /// Code of the subject.
    pub subject: String,
    /// Code of the exam session.
    pub exam_session: String,
    /// Codes of the offers, in the order shown.
    pub store_products: Vec<String>,
}

/// Brings in what is missing.
///
/// # Errors
/// A code that is too long, or one that stands for something else already.
pub async fn add(db: &mut PgConnection, catalogue: &Catalogue) -> Result<()> {
    store::add_subjects(db, &catalogue.subjects).await?;
    store::add_exam_sessions(db, &catalogue.exam_sessions).await?;
    store::add_groups(db, &catalogue.groups).await?;
    store::add_facets(db, &catalogue.facets).await?;
    store::add_products(db, &catalogue.products).await?;
    store::add_variations(db, &catalogue.variations).await?;
    store::add_store_products(db, &catalogue.store_products).await?;
    store::add_recommendations(db, &catalogue.recommendations).await?;
    store::add_bundles(db, &catalogue.bundles).await
}
