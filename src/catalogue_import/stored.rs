//! Which table stores the rows of a kind, and what identifies a row.

use super::sheets::SheetKind;
use crate::catalogue::resources::RESOURCES as CATALOGUE;
use crate::resources::TableResource;
use crate::tutorials::api::resources::RESOURCES as TUTORIALS;

/// Kinds whose rows are stored as documents of a resource: with the fields that identify a row, and those by which other rows
/// name it.
pub const STORED: [(SheetKind, &str, &[&str], &[&str]); 15] = [
    (SheetKind::Subjects, "acted.catalog_subjects", &["code"], &["code", "description"]),
    (SheetKind::ExamSessions, "acted.catalog_exam_sessions", &["session_code"], &["session_code"]),
    (SheetKind::Groups, "acted.filter_groups", &["name"], &["code", "name"]),
    (SheetKind::Products, "acted.catalog_products", &["fullname"], &["fullname", "shortname", "code"]),
    (SheetKind::Variations, "acted.catalog_product_variations", &["variation_type", "name"], &["code", "name"]),
    (SheetKind::ExamSessionSubjects, "acted.catalog_exam_session_subjects", &["exam_session_id", "subject_id"], &[]),
    (
        SheetKind::ProductVariations,
        "acted.catalog_product_product_variations",
        &["product_id", "product_variation_id"],
        &[],
    ),
    (
        SheetKind::StoreProducts,
        "acted.products",
        &["exam_session_subject_id", "product_product_variation_id"],
        &["product_code"],
    ),
    (SheetKind::Prices, "acted.prices", &["product_id", "price_type"], &[]),
    (SheetKind::BundleTemplates, "acted.catalog_product_bundles", &["subject_id", "bundle_name"], &["bundle_name"]),
    (SheetKind::Bundles, "acted.bundles", &["bundle_template_id", "exam_session_subject_id"], &[]),
    (SheetKind::Locations, "acted.tutorial_locations", &["name"], &["name", "code"]),
    (SheetKind::Venues, "acted.tutorial_venues", &["name", "location_id"], &["name"]),
    (SheetKind::Instructors, "acted.tutorial_instructors", &["first_name", "last_name"], &[]),
    (SheetKind::CourseTemplates, "acted.tutorial_course_templates", &["code"], &["code"]),
];

/// Returns the resource with a table.
pub fn resource_of(table: &str) -> Option<&'static TableResource> {
    CATALOGUE.iter().chain(&TUTORIALS).copied().find(|resource| resource.table == table)
}
