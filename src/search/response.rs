//! The JSON response of search. Keys and their order are part of the API.
//!
//! Amounts are strings with two decimals, days `YYYY-MM-DD`, times RFC 3339 in UTC with `+00:00`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// Response of a unified search.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResponse<'a> {
    /// The rows of this page.
    pub products: Vec<ResultItem<'a>>,
    /// How many store products would match each filter value.
    pub filter_counts: FilterCounts,
    /// Position of this page.
    pub pagination: Pagination,
    /// How long the search took.
    pub performance: Performance,
}

/// One row of a response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ResultItem<'a> {
    /// A catalogue product in one exam session of one subject, with its variations.
    Listing(Box<Listing<'a>>),
    /// A bundle.
    Bundle(Box<BundleItem<'a>>),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<'a> {
    pub id: i64,
    pub essp_id: i64,
    pub store_product_id: i64,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub product_id: i64,
    pub product_code: &'a str,
    pub product_name: &'a str,
    pub product_short_name: &'a str,
    pub product_description: Option<&'a str>,
    pub buy_both: bool,
    pub subject_id: i64,
    pub subject_code: &'a str,
    pub subject_description: Option<&'a str>,
    pub exam_session_code: &'a str,
    pub exam_session_id: i64,
    pub variations: Vec<VariationItem<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VariationItem<'a> {
    pub id: i64,
    pub store_product_id: i64,
    pub variation_type: &'a str,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub description_short: Option<&'a str>,
    pub prices: Vec<PriceItem<'a>>,
    /// Present on tutorials, whether there are events or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventItem<'a>>>,
    /// Present when the variation has a recommendation; null when that is not sold in the same sitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RecommendedItem>)]
    pub recommended_product: Option<Option<RecommendedItem<'a>>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PriceItem<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    pub price_type: &'a str,
    pub amount: String,
    pub currency: &'a str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendedItem<'a> {
    pub essp_id: i64,
    pub store_product_id: i64,
    pub product_code: &'a str,
    pub product_name: &'a str,
    pub product_short_name: &'a str,
    pub variation_type: &'a str,
    pub prices: Vec<PriceItem<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EventItem<'a> {
    pub id: i64,
    pub code: &'a str,
    pub venue: Option<&'a str>,
    pub is_soldout: bool,
    #[schema(value_type = Option<String>, format = Date)]
    pub finalisation_date: Option<Date>,
    pub remain_space: i32,
    #[schema(value_type = String, format = Date)]
    pub start_date: Date,
    #[schema(value_type = String, format = Date)]
    pub end_date: Date,
    pub title: &'a str,
    /// Always null: prices belong to the variation.
    #[schema(example = json!(null))]
    pub price: Option<String>,
    pub sessions: Vec<SessionItem<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SessionItem<'a> {
    pub id: i64,
    pub title: &'a str,
    pub location: Option<&'a str>,
    pub venue: Option<&'a str>,
    #[schema(format = DateTime)]
    pub start_date: String,
    #[schema(format = DateTime)]
    pub end_date: String,
    pub sequence: i32,
    pub url: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BundleItem<'a> {
    pub id: i64,
    pub essp_id: i64,
    pub item_type: &'static str,
    pub is_bundle: bool,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub bundle_type: &'static str,
    pub name: &'a str,
    pub bundle_name: &'a str,
    pub shortname: &'a str,
    pub fullname: Option<&'a str>,
    pub description: Option<&'a str>,
    pub code: &'a str,
    pub subject_code: &'a str,
    pub subject_id: i64,
    pub exam_session_code: &'a str,
    pub exam_session_id: i64,
    pub components: Vec<ComponentItem<'a>>,
    pub components_count: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentItem<'a> {
    pub id: i64,
    pub product_code: &'a str,
    pub product: ComponentProduct<'a>,
    pub product_variation: ComponentVariation<'a>,
    pub prices: Vec<PriceItem<'a>>,
    pub default_price_type: &'a str,
    pub quantity: i32,
    pub sort_order: i32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentProduct<'a> {
    pub id: i64,
    pub fullname: &'a str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentVariation<'a> {
    pub id: i64,
    pub name: &'a str,
    pub variation_type: &'a str,
    pub description_short: Option<&'a str>,
}

/// Counts per filter key and value.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FilterCounts {
    /// By subject code.
    pub subjects: BTreeMap<String, FacetCount>,
    /// By category name, zeros included; `Bundle` when there are any.
    pub categories: BTreeMap<String, FacetCount>,
    /// By category name, zeros included.
    pub product_types: BTreeMap<String, FacetCount>,
    /// By id of the catalogue product.
    pub products: BTreeMap<String, FacetCount>,
    /// By variation type.
    pub modes_of_delivery: BTreeMap<String, FacetCount>,
    /// By location of the events.
    pub locations: BTreeMap<String, FacetCount>,
    /// By venue of the events.
    pub venues: BTreeMap<String, FacetCount>,
    /// By instructor of the events.
    pub instructors: BTreeMap<String, FacetCount>,
    /// By month in which an event starts, such as `2027-03`.
    pub months: BTreeMap<String, FacetCount>,
}

/// Count of one filter value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FacetCount {
    /// Store products (under `Bundle`: bundles) that would match the value.
    pub count: usize,
    /// Name of the value.
    pub name: String,
    /// Name to display, for keys whose values are ids or codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Position of a page. `total_count` counts listings and bundles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pagination {
    pub page: u64,
    pub page_size: u64,
    pub total_count: u64,
    pub has_next: bool,
    pub has_previous: bool,
    pub total_pages: u64,
    /// What continues after this page, also while the catalogue changes; null after the last page.
    pub next_cursor: Option<String>,
}

impl Pagination {
    /// Computes the position of a page among `total_count` rows. A page past the end is empty, not an error.
    pub fn new(page: u64, page_size: u64, total_count: u64) -> Self {
        let total_pages = total_count.div_ceil(page_size.max(1));
        Self {
            page,
            page_size,
            total_count,
            has_next: page < total_pages,
            has_previous: page > 1,
            total_pages,
            next_cursor: None,
        }
    }
}

/// Measurements of one search.
#[derive(Debug, Serialize, ToSchema)]
pub struct Performance {
    /// Duration in seconds.
    pub duration: f64,
    /// Always false: responses are not cached.
    pub cached: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pagination_counts_pages_from_one() {
        for ((page, size, total), (next, previous, pages)) in [
            ((1, 20, 0), (false, false, 0)),
            ((1, 20, 21), (true, false, 2)),
            ((2, 20, 21), (false, true, 2)),
            ((9, 20, 21), (false, true, 2)),
            ((1, 1, 2), (true, false, 2)),
            ((1, 100, 100), (false, false, 1)),
            ((u64::MAX, 100, 100), (false, true, 1)),
        ] {
            let pagination = Pagination::new(page, size, total);
            assert_eq!((pagination.has_next, pagination.has_previous, pagination.total_pages), (next, previous, pages));
        }
    }
}
