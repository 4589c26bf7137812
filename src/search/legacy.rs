//! The three smaller searches beside the unified one: what to show before anything is typed, and two that rank by text
//! with a threshold of the caller's. Facts §3.9; a threshold counts for its own request only, wrong input is 400.

use std::collections::BTreeSet;

use serde::Serialize;

use super::compose::{self, SessionUrls};
use super::query::Pairs;
use super::read_model::{Catalogue, Offer, row_number};
use super::response::Item;
use crate::server::problem::FieldError;

const SHORTEST_TEXT: usize = 2;
const MIN_SCORE: u64 = 60;
const LIMIT: u64 = 50;
const MOST: u64 = 100;
const POPULAR: u64 = 5;
/// Products suggested beside the results.
const SUGGESTED: usize = 5;

/// Answer of `default-data`.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct DefaultData<'a> {
    pub popular_products: Vec<Item<'a>>,
    pub total_count: usize,
    pub suggested_filters: DefaultFilters<'a>,
    pub search_info: DefaultInfo,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct DefaultFilters<'a> {
    pub subjects: Vec<Subject<'a>>,
    pub product_groups: Vec<Group<'a>>,
    pub variations: Vec<VariationName<'a>>,
    pub products: Vec<ProductName<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct DefaultInfo {
    pub query: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// Answer of `fuzzy` and `advanced-fuzzy`.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct Fuzzy<'a> {
    pub products: Vec<Item<'a>>,
    pub total_count: usize,
    pub suggested_filters: FuzzyFilters<'a>,
    pub search_info: FuzzyInfo,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct FuzzyFilters<'a> {
    pub subjects: Vec<Subject<'a>>,
    pub categories: Vec<Group<'a>>,
    pub products: Vec<ProductName<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct FuzzyInfo {
    pub query: String,
    pub min_score: u64,
    pub matches_found: usize,
    pub algorithm: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct Subject<'a> {
    pub id: i64,
    pub code: &'a str,
    pub description: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct Group<'a> {
    pub id: i64,
    pub name: &'a str,
    pub description: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct VariationName<'a> {
    pub id: i64,
    pub variation_type: &'a str,
    pub name: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.9")]
pub struct ProductName<'a> {
    pub id: i64,
    pub shortname: &'a str,
    pub fullname: &'a str,
    pub code: &'a str,
}

/// What `default-data` is asked: how many products.
pub fn default_limit(address: &Pairs) -> Result<u64, Vec<FieldError>> {
    let mut reader = Reader { address, problems: Vec::new() };
    let limit = reader.number("limit", POPULAR, 1..=MOST);
    reader.finish(limit)
}

/// The first products of the shop and what it can be narrowed to.
pub fn default_data(catalogue: &Catalogue, limit: u64, urls: SessionUrls) -> DefaultData<'_> {
    let popular_products = listings(catalogue, catalogue.offers.iter(), limit, urls);
    let offers: Vec<&Offer> = catalogue.offers.iter().collect();
    DefaultData {
        total_count: popular_products.len(),
        popular_products,
        suggested_filters: DefaultFilters {
            subjects: subjects(&offers),
            product_groups: catalogue.categories.all().map(group).collect(),
            variations: distinct(offers.iter().map(|offer| VariationName {
                id: offer.row.variation_id,
                variation_type: &offer.row.variation_type,
                name: &offer.row.variation_name,
            })),
            products: product_names(&offers),
        },
        search_info: DefaultInfo { query: "", kind: "default" },
    }
}

/// A ranked search with a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuzzyQuery {
    /// Trimmed; empty only for `advanced-fuzzy`.
    pub text: String,
    /// Scores below are left out, 0 to 100.
    pub min_score: u64,
    /// Most rows, 1 to 100.
    pub limit: u64,
    /// Ids of subjects; empty: any.
    pub subjects: BTreeSet<i64>,
    /// Ids of filter groups, their descendants not included; empty: any.
    pub categories: BTreeSet<i64>,
}

impl FuzzyQuery {
    /// Reads the address of `fuzzy`: a text of two characters or more.
    pub fn plain(address: &Pairs) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader { address, problems: Vec::new() };
        let query = reader.fuzzy();
        if query.text.chars().count() < SHORTEST_TEXT {
            reader.problems.push(FieldError::new("/q", "missing_value", "must be a text of two characters or more"));
        }
        reader.finish(query)
    }

    /// Reads the address of `advanced-fuzzy`: the text may be left out, ids of subjects and categories narrow.
    pub fn advanced(address: &Pairs) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader { address, problems: Vec::new() };
        let query = reader.fuzzy();
        let query = FuzzyQuery { subjects: reader.ids("subjects"), categories: reader.ids("categories"), ..query };
        reader.finish(query)
    }
}

/// Carries out a ranked search; `algorithm` is what it is called in the answer when there is a text.
pub fn fuzzy<'a>(
    catalogue: &'a Catalogue,
    query: &FuzzyQuery,
    algorithm: &'static str,
    urls: SessionUrls,
) -> Fuzzy<'a> {
    let hits = (!query.text.is_empty()).then(|| catalogue.hits(&query.text));
    let mut scored: Vec<(f32, &Offer)> = catalogue
        .offers
        .iter()
        .enumerate()
        .filter(|(_, offer)| query.subjects.is_empty() || query.subjects.contains(&offer.row.subject_id))
        .filter(|(_, offer)| {
            let product = offer.row.catalog_product_id;
            query.categories.is_empty() || catalogue.categories.is_directly_in(product, &query.categories)
        })
        .filter_map(|(at, offer)| match &hits {
            None => Some((0.0, offer)),
            Some(hits) => hits.score(row_number(at)).filter(|score| *score >= query.min_score as f32).zip(Some(offer)),
        })
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let offers: Vec<&Offer> = scored.iter().map(|(_, offer)| *offer).collect();
    let products = listings(catalogue, offers.iter().copied(), query.limit, urls);
    let names: BTreeSet<i64> = offers.iter().map(|offer| offer.row.catalog_product_id).collect();
    let mut suggested = product_names(&offers);
    suggested.truncate(SUGGESTED);
    Fuzzy {
        total_count: products.len(),
        suggested_filters: FuzzyFilters {
            subjects: subjects(&offers),
            categories: catalogue.categories.holding(&names).map(group).collect(),
            products: suggested,
        },
        search_info: FuzzyInfo {
            query: query.text.clone(),
            min_score: query.min_score,
            matches_found: products.len(),
            algorithm: if hits.is_some() { algorithm } else { "filtered_no_query" },
        },
        products,
    }
}

/// Offers in order become listings in the order of their first offers.
fn listings<'a>(
    catalogue: &'a Catalogue,
    offers: impl Iterator<Item = &'a Offer>,
    limit: u64,
    urls: SessionUrls,
) -> Vec<Item<'a>> {
    let mut order: Vec<usize> = Vec::new();
    let mut kept: std::collections::HashMap<usize, Vec<&Offer>> = std::collections::HashMap::new();
    for offer in offers {
        kept.entry(offer.listing).or_insert_with(|| {
            order.push(offer.listing);
            Vec::new()
        });
        kept.entry(offer.listing).or_default().push(offer);
    }
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let first = order.into_iter().take(most);
    first.filter_map(|listing| compose::listing(kept.get(&listing)?, &catalogue.offers, urls)).collect()
}

fn subjects<'a>(offers: &[&'a Offer]) -> Vec<Subject<'a>> {
    distinct(offers.iter().map(|offer| Subject {
        id: offer.row.subject_id,
        code: &offer.row.subject_code,
        description: offer.row.subject_description.as_deref(),
    }))
}

fn product_names<'a>(offers: &[&'a Offer]) -> Vec<ProductName<'a>> {
    distinct(offers.iter().map(|offer| ProductName {
        id: offer.row.catalog_product_id,
        shortname: &offer.row.shortname,
        fullname: &offer.row.fullname,
        code: &offer.row.catalog_code,
    }))
}

fn group<'a>((id, name, description): (i64, &'a str, &'a str)) -> Group<'a> {
    Group { id, name, description: if description.is_empty() { name } else { description } }
}

/// Each once, where it first stands. The lists are short: a shop has tens of subjects and products.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

struct Reader<'a> {
    address: &'a Pairs,
    problems: Vec<FieldError>,
}

impl Reader<'_> {
    fn finish<T>(self, read: T) -> Result<T, Vec<FieldError>> {
        if self.problems.is_empty() { Ok(read) } else { Err(self.problems) }
    }

    fn value(&self, name: &str) -> &str {
        self.address.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim()).unwrap_or_default()
    }

    fn fuzzy(&mut self) -> FuzzyQuery {
        FuzzyQuery {
            text: self.value("q").to_owned(),
            min_score: self.number("min_score", MIN_SCORE, 0..=100),
            limit: self.number("limit", LIMIT, 1..=MOST),
            subjects: BTreeSet::new(),
            categories: BTreeSet::new(),
        }
    }

    fn number(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
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

    fn ids(&mut self, name: &str) -> BTreeSet<i64> {
        let text = self.value(name);
        let parsed: Result<BTreeSet<i64>, _> =
            text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::parse).collect();
        parsed.unwrap_or_else(|_| {
            self.problems.push(FieldError::new(
                format!("/{name}"),
                "invalid_value",
                "must be ids, separated by commas",
            ));
            BTreeSet::new()
        })
    }
}
