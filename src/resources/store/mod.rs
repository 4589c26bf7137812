//! All SQL of table resources. Statements are built from descriptions; values are bound.

mod dependents;
mod names;
mod read;
mod rules;
mod write;

pub(super) use dependents::{Referrers, clearing, dependents, referrers};
pub(super) use names::{choices, counts, exact, names, page_fields};
pub(super) use read::{ids, list, read};
pub(super) use rules::{columns_of_constraint, rows_with_equal_values, unknown_references};
pub(super) use write::{delete, insert, lock, set_details, set_links, set_parts, update};
