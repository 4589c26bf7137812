//! The catalogue of the provider: subjects, exam sessions, products, variations, prices, bundles and filter groups.
//!
//! A [`Catalogue`] refers to everything by name or code, never by id. [`add`] inserts missing rows and leaves existing
//! rows unchanged, so it can be repeated. It never changes or deletes a row. [`copy`] rolls one exam session forward to the
//! next. [`resources`] describes the tables as documents of the API.

pub mod api;
pub mod cli;
pub mod copy;
mod hooks;
pub mod pages;
pub mod resources;
pub mod store;

use jiff::civil::Date;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::error::Result;

/// A catalogue as plain data. Rows refer to each other by the names that their fields document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Subjects taught.
    pub subjects: Vec<Subject>,
    /// Exam sessions.
    pub exam_sessions: Vec<ExamSession>,
    /// The tree of filter groups, parents before children.
    pub groups: Vec<Group>,
    /// Filters whose values are groups.
    pub facets: Vec<Facet>,
    /// Products, independent of subject and exam session.
    pub products: Vec<Product>,
    /// Variations of products: print, eBook, tutorial and others.
    pub variations: Vec<Variation>,
    /// Product variations on sale.
    pub store_products: Vec<NewStoreProduct>,
    /// Recommendations between product variations.
    pub recommendations: Vec<Recommendation>,
    /// Store products sold together.
    pub bundles: Vec<Bundle>,
}

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Up to 10 characters, unique.
    pub code: String,
    /// Name of the subject.
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
    /// Display name and filter value, up to 100 characters.
    pub name: String,
    /// Unique key, up to 100 characters.
    pub code: String,
    /// Key of the parent group.
    pub parent: Option<String>,
}

/// A filter whose values are groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// Key in a search request, such as `categories`.
    pub key: String,
    /// Label to display.
    pub label: String,
    /// Keys of its groups, in display order.
    pub groups: Vec<String>,
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Up to 255 characters; unique among the products of one catalogue.
    pub fullname: String,
    /// Up to 100 characters; the location of a tutorial.
    pub shortname: String,
    /// Up to 10 characters.
    pub code: String,
    /// Description.
    pub description: String,
    /// Whether both variations are sold together.
    pub buy_both: bool,
    /// Key of its group.
    pub group: String,
}

/// A variation of products, such as print or eBook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variation {
    /// `eBook`, `Hub`, `Printed`, `Marking` or `Tutorial`.
    pub kind: String,
    /// Up to 64 characters, unique within its kind.
    pub name: String,
    /// Up to 50 characters, unique; the code of the course template for a tutorial.
    pub code: String,
    /// Description, up to 255 characters.
    pub description: String,
}

/// A store product to add: a product variation on sale for a subject in an exam session.
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
    /// Price types (`standard`, `retaker`, …) with their amounts.
    pub prices: Vec<(String, Decimal)>,
    /// ISO 4217 code of the prices.
    pub currency: String,
}

/// A product variation that is recommended with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// Full name of the viewed product, and code of its variation.
    pub of: (String, String),
    /// Full name of the recommended product, and code of its variation.
    pub recommended: (String, String),
}

/// Store products of one subject in one exam session that are sold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Up to 255 characters, unique within a subject.
    pub name: String,
    /// Description.
    pub description: String,
    /// Code of the subject.
    pub subject: String,
    /// Code of the exam session.
    pub exam_session: String,
    /// Codes of the store products, in display order.
    pub store_products: Vec<String>,
}

/// Inserts the missing rows of a catalogue.
///
/// # Errors
/// Returns an error when a code is too long or already belongs to another record.
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
