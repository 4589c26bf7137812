//! The older search endpoints: default data for an empty search box, and two text searches with a minimum score.
//!
//! The minimum score applies to one request only. An invalid parameter is a 400 response.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::compose::{self, SessionUrls};
use super::read_model::ReadModel;
use super::read_model::items::{StoreProduct, group_key};
use super::response::ResultItem;
use crate::http::problem::FieldError;

const MIN_TEXT_CHARS: usize = 2;
const DEFAULT_MIN_SCORE: u64 = 60;
const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 100;
const DEFAULT_POPULAR_LIMIT: u64 = 5;
/// Maximum number of suggested products.
const MAX_SUGGESTED_PRODUCTS: usize = 5;

/// Response of `default-data`.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultData<'a> {
    pub popular_products: Vec<ResultItem<'a>>,
    pub total_count: usize,
    pub suggested_filters: DefaultFilters<'a>,
    pub search_info: DefaultInfo,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultFilters<'a> {
    pub subjects: Vec<SubjectOption<'a>>,
    pub product_groups: Vec<GroupOption<'a>>,
    pub variations: Vec<VariationOption<'a>>,
    pub products: Vec<ProductOption<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultInfo {
    pub query: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// Response of `fuzzy` and `advanced-fuzzy`.
#[derive(Debug, Serialize, ToSchema)]
pub struct FuzzyResponse<'a> {
    pub products: Vec<ResultItem<'a>>,
    pub total_count: usize,
    pub suggested_filters: FuzzyFilters<'a>,
    pub search_info: FuzzyInfo,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FuzzyFilters<'a> {
    pub subjects: Vec<SubjectOption<'a>>,
    pub categories: Vec<GroupOption<'a>>,
    pub products: Vec<ProductOption<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FuzzyInfo {
    pub query: String,
    pub min_score: u64,
    pub matches_found: usize,
    pub algorithm: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubjectOption<'a> {
    pub id: i64,
    pub code: &'a str,
    pub description: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct GroupOption<'a> {
    pub id: i64,
    pub name: &'a str,
    pub description: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VariationOption<'a> {
    pub id: i64,
    pub variation_type: &'a str,
    pub name: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductOption<'a> {
    pub id: i64,
    pub shortname: &'a str,
    pub fullname: &'a str,
    pub code: &'a str,
}

/// Parses the number of products that `default-data` returns.
pub fn parse_default_limit(parameters: &[(String, String)]) -> Result<u64, Vec<FieldError>> {
    let mut reader = ParameterReader { parameters, problems: Vec::new() };
    let limit = reader.parse_number("limit", DEFAULT_POPULAR_LIMIT, 1..=MAX_LIMIT);
    reader.finish(limit)
}

/// Returns the first products of the catalogue and the values of its filters.
pub fn default_data(model: &ReadModel, limit: u64, urls: SessionUrls) -> DefaultData<'_> {
    let popular_products = compose_listings(model.store_products(), limit, urls);
    let products: Vec<&StoreProduct> = model.store_products().collect();
    DefaultData {
        total_count: popular_products.len(),
        popular_products,
        suggested_filters: DefaultFilters {
            subjects: subject_options(&products),
            product_groups: model.categories().all().map(group_option).collect(),
            variations: distinct(products.iter().map(|product| VariationOption {
                id: product.row.form.variation_id,
                variation_type: &product.row.form.variation_type,
                name: &product.row.form.variation_name,
            })),
            products: product_options(&products),
        },
        search_info: DefaultInfo { query: "", kind: "default" },
    }
}

/// A text search with a minimum score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuzzyQuery {
    /// Trimmed search text, empty only for `advanced-fuzzy`.
    pub text: String,
    /// Minimum score of a result, 0 to 100.
    pub min_score: u64,
    /// Maximum number of rows, 1 to 100.
    pub limit: u64,
    /// Ids of subjects; empty means any.
    pub subjects: BTreeSet<i64>,
    /// Ids of filter groups without their descendants; empty means any.
    pub categories: BTreeSet<i64>,
}

impl FuzzyQuery {
    /// Parses the parameters of `fuzzy`. The text is required and has at least two characters.
    pub fn parse_fuzzy(parameters: &[(String, String)]) -> Result<Self, Vec<FieldError>> {
        let mut reader = ParameterReader { parameters, problems: Vec::new() };
        let query = reader.parse_common();
        if query.text.chars().count() < MIN_TEXT_CHARS {
            reader.problems.push(FieldError::new("/q", "missing_value", "must be a text of at least two characters"));
        }
        reader.finish(query)
    }

    /// Parses the parameters of `advanced-fuzzy`. The text is optional; ids of subjects and categories filter.
    pub fn parse_advanced(parameters: &[(String, String)]) -> Result<Self, Vec<FieldError>> {
        let mut reader = ParameterReader { parameters, problems: Vec::new() };
        let query = reader.parse_common();
        let query =
            FuzzyQuery { subjects: reader.parse_ids("subjects"), categories: reader.parse_ids("categories"), ..query };
        reader.finish(query)
    }
}

/// Runs a text search. `algorithm` is its name in the response of a query with a text.
pub fn fuzzy_search<'a>(
    model: &'a ReadModel,
    query: &FuzzyQuery,
    algorithm: &'static str,
    urls: SessionUrls,
) -> FuzzyResponse<'a> {
    let has_text = !query.text.is_empty();
    let candidates = if has_text { scored_products(model, &query.text) } else { unscored_products(model) };
    let mut scored: Vec<(f32, &StoreProduct)> = candidates
        .into_iter()
        .filter(|(score, _)| !has_text || *score >= query.min_score as f32)
        .filter(|(_, product)| query.subjects.is_empty() || query.subjects.contains(&product.row.sitting.subject_id))
        .filter(|(_, product)| {
            let product = product.row.form.catalog_product_id;
            query.categories.is_empty() || model.categories().is_directly_in(product, &query.categories)
        })
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let matching: Vec<&StoreProduct> = scored.iter().map(|(_, product)| *product).collect();
    let products = compose_listings(matching.iter().copied(), query.limit, urls);
    let product_ids: BTreeSet<i64> = matching.iter().map(|product| product.row.form.catalog_product_id).collect();
    let mut suggested = product_options(&matching);
    suggested.truncate(MAX_SUGGESTED_PRODUCTS);
    FuzzyResponse {
        total_count: products.len(),
        suggested_filters: FuzzyFilters {
            subjects: subject_options(&matching),
            categories: model.categories().containing(&product_ids).map(group_option).collect(),
            products: suggested,
        },
        search_info: FuzzyInfo {
            query: query.text.clone(),
            min_score: query.min_score,
            matches_found: products.len(),
            algorithm: if has_text { algorithm } else { "filtered_no_query" },
        },
        products,
    }
}

fn unscored_products(model: &ReadModel) -> Vec<(f32, &StoreProduct)> {
    model.store_products().map(|product| (0.0, product)).collect()
}

/// Returns the store products that match a text with their scores, in browsing order.
fn scored_products<'a>(model: &'a ReadModel, text: &str) -> Vec<(f32, &'a StoreProduct)> {
    let matches = model.match_text(text);
    let mut found: Vec<(u64, f32, &StoreProduct)> = Vec::new();
    for (index, part) in model.parts().iter().enumerate() {
        let rows = matches.rows[index].to_rows();
        let scores = matches.scores(index, &rows);
        found.extend(rows.into_iter().zip(scores).filter_map(|(row, score)| {
            Some((model.place(index, part.segment.item_of(row)), score, part.segment.product(row)?))
        }));
    }
    found.sort_by_key(|(place, ..)| *place);
    found.into_iter().map(|(_, score, product)| (score.min(100.0), product)).collect()
}

/// Groups store products into at most `limit` listings, in the order of their first products.
fn compose_listings<'a>(
    products: impl Iterator<Item = &'a StoreProduct>,
    limit: u64,
    urls: SessionUrls,
) -> Vec<ResultItem<'a>> {
    let mut order: Vec<(i64, i64)> = Vec::new();
    let mut products_of: HashMap<(i64, i64), Vec<&StoreProduct>> = HashMap::new();
    for product in products {
        let key = group_key(&product.row);
        products_of.entry(key).or_insert_with(|| {
            order.push(key);
            Vec::new()
        });
        products_of.entry(key).or_default().push(product);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let listed = order.into_iter().take(limit);
    listed.filter_map(|key| compose::build_item(products_of.get(&key)?, urls)).collect()
}

fn subject_options<'a>(products: &[&'a StoreProduct]) -> Vec<SubjectOption<'a>> {
    distinct(products.iter().map(|product| SubjectOption {
        id: product.row.sitting.subject_id,
        code: &product.row.sitting.subject_code,
        description: product.row.sitting.subject_description.as_deref(),
    }))
}

fn product_options<'a>(products: &[&'a StoreProduct]) -> Vec<ProductOption<'a>> {
    distinct(products.iter().map(|product| ProductOption {
        id: product.row.form.catalog_product_id,
        shortname: &product.row.form.shortname,
        fullname: &product.row.form.fullname,
        code: &product.row.form.catalog_code,
    }))
}

fn group_option<'a>((id, name, description): (i64, &'a str, &'a str)) -> GroupOption<'a> {
    GroupOption { id, name, description: if description.is_empty() { name } else { description } }
}

/// Removes duplicates and keeps the first of each. Quadratic: there are tens of subjects and products.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut unique = Vec::new();
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

struct ParameterReader<'a> {
    parameters: &'a [(String, String)],
    problems: Vec<FieldError>,
}

impl ParameterReader<'_> {
    fn finish<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
    }

    fn value(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(parameter, _)| parameter == name)
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    }

    fn parse_common(&mut self) -> FuzzyQuery {
        FuzzyQuery {
            text: self.value("q").to_owned(),
            min_score: self.parse_number("min_score", DEFAULT_MIN_SCORE, 0..=100),
            limit: self.parse_number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT),
            subjects: BTreeSet::new(),
            categories: BTreeSet::new(),
        }
    }

    fn parse_number(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let text = self.value(name);
        if text.is_empty() {
            return default;
        }
        match text.parse().ok().filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let message = format!("must be a whole number from {} to {}", range.start(), range.end());
                self.problems.push(FieldError::new(format!("/{name}"), "invalid_value", message));
                default
            }
        }
    }

    fn parse_ids(&mut self, name: &str) -> BTreeSet<i64> {
        let text = self.value(name);
        let parsed: Result<BTreeSet<i64>, _> =
            text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::parse).collect();
        parsed.unwrap_or_else(|_| {
            self.problems.push(FieldError::new(format!("/{name}"), "invalid_value", "must be ids separated by commas"));
            BTreeSet::new()
        })
    }
}
