//! All SQL on the tables of the catalogue: `acted.catalog_*`, products, prices, bundles and filter groups.

mod add;
mod copy;
mod parts;

pub use add::{
    add_bundles, add_exam_sessions, add_facets, add_groups, add_products, add_recommendations, add_store_products,
    add_subjects, add_variations,
};
pub use copy::{CopyCount, copy_counts, copy_rows, exam_sessions, lock_exam_session, subjects};
pub use parts::{
    LinkKind, add_links, generate_codes, groups_in_circles, mutual_recommendations, placeholder, set_filter_keys,
    set_recommendations,
};
