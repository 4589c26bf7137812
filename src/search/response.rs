//! The answer as it is sent: keys and order of the reference's response, field by field.
//!
//! Amounts are strings with two decimals, days `YYYY-MM-DD`, times RFC 3339 in UTC with `+00:00`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Serialize;

use super::index::{Bundle, Event, Kind, Offer, is_tutorial};
use super::rows::{PriceRow, SessionRow};

/// The whole answer to a unified search.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// The rows of this page.
    pub products: Vec<Item<'a>>,
    /// How many store products each filter value would leave.
    pub filter_counts: FilterCounts,
    /// Where this page stands.
    pub pagination: Pagination,
    /// How long it took.
    pub performance: Performance,
}

/// One row of an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Item<'a> {
    /// A catalogue product in one exam session of one subject, with its variations.
    Listing(Box<Listing<'a>>),
    /// A bundle.
    Bundle(Box<BundleItem<'a>>),
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
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
    pub variations: Vec<Variation<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct Variation<'a> {
    pub id: i64,
    pub store_product_id: i64,
    pub variation_type: &'a str,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub description_short: Option<&'a str>,
    pub prices: Vec<Price<'a>>,
    /// Present on tutorials, whether there are events or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventItem<'a>>>,
    /// Present where something is recommended; null where it is not sold in the same sitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended_product: Option<Option<Recommended<'a>>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct Price<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    pub price_type: &'a str,
    pub amount: String,
    pub currency: &'a str,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct Recommended<'a> {
    pub essp_id: i64,
    pub store_product_id: i64,
    pub product_code: &'a str,
    pub product_name: &'a str,
    pub product_short_name: &'a str,
    pub variation_type: &'a str,
    pub prices: Vec<Price<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct EventItem<'a> {
    pub id: i64,
    pub code: &'a str,
    pub venue: Option<&'a str>,
    pub is_soldout: bool,
    pub finalisation_date: Option<Date>,
    pub remain_space: i32,
    pub start_date: Date,
    pub end_date: Date,
    pub title: &'a str,
    /// Always null; the reference has the key.
    pub price: Option<String>,
    pub sessions: Vec<SessionItem<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct SessionItem<'a> {
    pub id: i64,
    pub title: &'a str,
    pub location: Option<&'a str>,
    pub venue: Option<&'a str>,
    pub start_date: String,
    pub end_date: String,
    pub sequence: i32,
    pub url: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
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
    pub components: Vec<Component<'a>>,
    pub components_count: usize,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct Component<'a> {
    pub id: i64,
    pub product_code: &'a str,
    pub product: ComponentProduct<'a>,
    pub product_variation: ComponentVariation<'a>,
    pub prices: Vec<Price<'a>>,
    pub default_price_type: &'a str,
    pub quantity: i32,
    pub sort_order: i32,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct ComponentProduct<'a> {
    pub id: i64,
    pub fullname: &'a str,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the keys are the contract's, listed in facts §3.7")]
pub struct ComponentVariation<'a> {
    pub id: i64,
    pub name: &'a str,
    pub variation_type: &'a str,
    pub description_short: Option<&'a str>,
}

/// Counts per filter key and value.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilterCounts {
    /// By subject code.
    pub subjects: BTreeMap<String, Count>,
    /// By category name, zeros included; `Bundle` where there are any.
    pub categories: BTreeMap<String, Count>,
    /// By category name, zeros included.
    pub product_types: BTreeMap<String, Count>,
    /// By id of the catalogue product.
    pub products: BTreeMap<String, Count>,
    /// By variation type.
    pub modes_of_delivery: BTreeMap<String, Count>,
}

/// One filter value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Store products (under `Bundle`: bundles) that the value would leave.
    pub count: usize,
    /// What to call it.
    pub name: String,
    /// What to show for it, where that is told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Where a page stands. `total_count` counts listings and bundles.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the keys say it")]
pub struct Pagination {
    pub page: u64,
    pub page_size: u64,
    pub total_count: u64,
    pub has_next: bool,
    pub has_previous: bool,
    pub total_pages: u64,
}

impl Pagination {
    /// The page of so many rows. A page past the end is empty, not wrong.
    pub fn new(page: u64, page_size: u64, total_count: u64) -> Self {
        let total_pages = total_count.div_ceil(page_size.max(1));
        Self { page, page_size, total_count, has_next: page < total_pages, has_previous: page > 1, total_pages }
    }
}

/// How long an answer took.
#[derive(Debug, Serialize)]
pub struct Performance {
    /// Seconds.
    pub duration: f64,
    /// Always false: the read model is not a cache of answers.
    pub cached: bool,
}

/// How much of a session is shown to whom asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionUrls {
    /// With `url`.
    Shown,
    /// `url` is always null.
    Hidden,
}

/// A listing from its kept offers (at least one, all of one listing).
pub fn listing<'a>(kept: &[&'a Offer], all: &'a [Offer], urls: SessionUrls) -> Option<Item<'a>> {
    let first = kept.first()?;
    let row = &first.row;
    Some(Item::Listing(Box::new(Listing {
        id: row.id,
        essp_id: row.id,
        store_product_id: row.id,
        kind: first.kind.name(),
        product_id: row.catalog_product_id,
        product_code: &row.catalog_code,
        product_name: &row.fullname,
        product_short_name: &row.shortname,
        product_description: row.description.as_deref(),
        buy_both: row.buy_both,
        subject_id: row.subject_id,
        subject_code: &row.subject_code,
        subject_description: row.subject_description.as_deref(),
        exam_session_code: &row.exam_session_code,
        exam_session_id: row.exam_session_id,
        variations: kept.iter().map(|offer| variation(offer, all, urls)).collect(),
    })))
}

fn variation<'a>(offer: &'a Offer, all: &'a [Offer], urls: SessionUrls) -> Variation<'a> {
    let row = &offer.row;
    let carries_events = offer.kind == Kind::Tutorial || is_tutorial(row) || !offer.events.is_empty();
    Variation {
        id: row.product_variation_id,
        store_product_id: row.id,
        variation_type: &row.variation_type,
        name: &row.variation_name,
        description: row.variation_description.as_deref(),
        description_short: row.variation_description_short.as_deref(),
        prices: offer.prices.iter().map(|row| price(row, true)).collect(),
        events: carries_events.then(|| offer.events.iter().map(|event| event_item(event, urls)).collect()),
        recommended_product: offer.recommended.map(|at| at.and_then(|at| all.get(at)).map(recommended)),
    }
}

fn recommended(offer: &Offer) -> Recommended<'_> {
    Recommended {
        essp_id: offer.row.id,
        store_product_id: offer.row.id,
        product_code: &offer.row.catalog_code,
        product_name: &offer.row.fullname,
        product_short_name: &offer.row.shortname,
        variation_type: &offer.row.variation_type,
        prices: offer.prices.iter().map(|row| price(row, true)).collect(),
    }
}

fn event_item(event: &Event, urls: SessionUrls) -> EventItem<'_> {
    let row = &event.row;
    EventItem {
        id: row.id,
        code: &row.code,
        venue: row.place.venue.as_deref(),
        is_soldout: row.is_soldout,
        finalisation_date: row.finalisation_date,
        remain_space: row.remain_space,
        start_date: row.start_date,
        end_date: row.end_date,
        title: &row.code,
        price: None,
        sessions: event.sessions.iter().map(|session| session_item(session, urls)).collect(),
    }
}

fn session_item(row: &SessionRow, urls: SessionUrls) -> SessionItem<'_> {
    SessionItem {
        id: row.id,
        title: &row.title,
        location: row.place.location.as_deref(),
        venue: row.place.venue.as_deref(),
        start_date: moment(row.start),
        end_date: moment(row.end),
        sequence: row.sequence,
        url: row.url.as_deref().filter(|_| urls == SessionUrls::Shown),
    }
}

/// A bundle with those of its components that are on sale.
pub fn bundle<'a>(bundle: &'a Bundle, all: &'a [Offer]) -> Item<'a> {
    let row = &bundle.row;
    let components: Vec<Component<'a>> = bundle
        .components
        .iter()
        .filter_map(|(component, at)| {
            let offer = all.get(*at)?;
            Some(Component {
                id: offer.row.id,
                product_code: &offer.row.product_code,
                product: ComponentProduct { id: offer.row.catalog_product_id, fullname: &offer.row.fullname },
                product_variation: ComponentVariation {
                    id: offer.row.variation_id,
                    name: &offer.row.variation_name,
                    variation_type: &offer.row.variation_type,
                    description_short: offer.row.variation_description_short.as_deref(),
                },
                prices: offer.prices.iter().map(|row| price(row, false)).collect(),
                default_price_type: &component.default_price_type,
                quantity: component.quantity,
                sort_order: component.sort_order,
            })
        })
        .collect();
    Item::Bundle(Box::new(BundleItem {
        id: row.id,
        essp_id: row.id,
        item_type: "bundle",
        is_bundle: true,
        kind: "Bundle",
        bundle_type: "store",
        name: &row.name,
        bundle_name: &row.name,
        shortname: &row.name,
        fullname: row.description.as_deref(),
        description: row.description.as_deref(),
        code: &row.subject_code,
        subject_code: &row.subject_code,
        subject_id: row.subject_id,
        exam_session_code: &row.exam_session_code,
        exam_session_id: row.exam_session_id,
        components_count: components.len(),
        components,
    }))
}

fn price(row: &PriceRow, with_id: bool) -> Price<'_> {
    Price {
        id: with_id.then_some(row.id),
        price_type: &row.price_type,
        amount: amount(row.amount),
        currency: &row.currency,
    }
}

/// `610` → `"610.00"`.
fn amount(amount: Decimal) -> String {
    format!("{amount:.2}")
}

/// RFC 3339 in UTC, the offset written `+00:00`; a fraction only where there is one.
fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals_and_times_their_offset() {
        assert_eq!(amount(Decimal::new(610, 0)), "610.00");
        assert_eq!(amount(Decimal::new(7005, 2)), "70.05");
        let at: Timestamp = "2026-02-10T09:30:00Z".parse().expect("a time");
        assert_eq!(moment(at), "2026-02-10T09:30:00+00:00");
    }

    #[test]
    fn pages_are_counted_from_one() {
        for ((page, size, total), (next, previous, pages)) in [
            ((1, 20, 0), (false, false, 0)),
            ((1, 20, 21), (true, false, 2)),
            ((2, 20, 21), (false, true, 2)),
            ((9, 20, 21), (false, true, 2)),
            ((1, 1, 2), (true, false, 2)),
            ((1, 100, 100), (false, false, 1)),
            ((u64::MAX, 100, 100), (false, true, 1)),
        ] {
            let found = Pagination::new(page, size, total);
            assert_eq!((found.has_next, found.has_previous, found.total_pages), (next, previous, pages));
        }
    }
}
