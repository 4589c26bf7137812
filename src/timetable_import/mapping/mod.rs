//! Product mappings: which store product events belong to, where the names of the catalogue do not tell it.
//!
//! A mapping names a course template, a location and a sitting; [`ANY`] stands for any location or any sitting. A user sets
//! it once, on the command line ([`cli`]) or over HTTP ([`api`]); the plan of an import looks there first.

pub mod api;
pub mod cli;
mod hooks;
pub mod store;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::tidy;
use crate::workbook::values;

/// Stands for any location or any sitting.
pub const ANY: &str = "*";

/// A mapping from the names of a timetable to a store product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct ProductMapping {
    pub id: i64,
    /// Code of the course template.
    pub template: String,
    /// Name of the location, or [`ANY`].
    pub location: String,
    /// Sitting as in a timetable, or [`ANY`].
    pub sitting: String,
    pub store_product_id: i64,
    /// Code of the store product.
    pub store_product: String,
}

/// Returns a sitting as mappings store it, whether it is written as `2026A`, `26A` or `2026-04`. None: it is no sitting.
///
/// `session_codes`: the codes of exam sessions, of which each is accepted.
fn stored_sitting(text: &str, letters: &BTreeMap<String, String>, session_codes: &[String]) -> Option<String> {
    let text = tidy(text);
    if text == ANY {
        return Some(text);
    }
    let known = session_codes.iter().find(|known| known.eq_ignore_ascii_case(&text)).cloned();
    values::sitting(&text, letters).ok().map(|sitting| sitting.written).or(known)
}

/// Returns what is wrong with a text that is no sitting.
fn unknown_sitting(letters: &BTreeMap<String, String>) -> String {
    let known: Vec<&str> = letters.keys().map(String::as_str).collect();
    format!("is not a sitting: write a year and {}, such as 2026A, or * for any", known.join(" or "))
}
