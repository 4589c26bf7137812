//! Which table stores the rows of a kind, and what identifies a row.

use super::places::{COURSE_TEMPLATES, INSTRUCTORS, LOCATIONS, VENUES};
use super::sheets::Kind;
use crate::catalogue::resources::RESOURCES;
use crate::resources::TableResource;

/// Kinds whose rows are stored as documents of a resource: with the fields that identify a row, and those by which other rows
/// name it.
pub const STORED: [(Kind, &str, &[&str], &[&str]); 15] = [
    (Kind::Subjects, "acted.catalog_subjects", &["code"], &["code"]),
    (Kind::ExamSessions, "acted.catalog_exam_sessions", &["session_code"], &["session_code"]),
    (Kind::Groups, "acted.filter_groups", &["name"], &["code", "name"]),
    (Kind::Products, "acted.catalog_products", &["fullname"], &["fullname", "shortname", "code"]),
    (Kind::Variations, "acted.catalog_product_variations", &["variation_type", "name"], &["code", "name"]),
    (Kind::ExamSessionSubjects, "acted.catalog_exam_session_subjects", &["exam_session_id", "subject_id"], &[]),
    (Kind::ProductVariations, "acted.catalog_product_product_variations", &["product_id", "product_variation_id"], &[]),
    (
        Kind::StoreProducts,
        "acted.products",
        &["exam_session_subject_id", "product_product_variation_id"],
        &["product_code"],
    ),
    (Kind::Prices, "acted.prices", &["product_id", "price_type"], &[]),
    (Kind::BundleTemplates, "acted.catalog_product_bundles", &["subject_id", "bundle_name"], &["bundle_name"]),
    (Kind::Bundles, "acted.bundles", &["bundle_template_id", "exam_session_subject_id"], &[]),
    (Kind::Locations, "acted.tutorial_locations", &["name"], &["name", "code"]),
    (Kind::Venues, "acted.tutorial_venues", &["name", "location_id"], &["name"]),
    (Kind::Instructors, "acted.tutorial_instructors", &["first_name", "last_name"], &[]),
    (Kind::CourseTemplates, "acted.tutorial_course_templates", &["code"], &["code"]),
];

/// Returns the resource with a table.
pub fn resource_of(table: &str) -> Option<&'static TableResource> {
    let more = [&LOCATIONS, &VENUES, &INSTRUCTORS, &COURSE_TEMPLATES];
    RESOURCES.iter().copied().chain(more).find(|resource| resource.table == table)
}
