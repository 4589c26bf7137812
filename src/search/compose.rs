//! Rows of the read model put together as rows of an answer.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::read_model::rows::{PriceRow, SessionRow};
use super::read_model::{Bundle, Event, Kind, Offer, is_tutorial};
use super::response::{
    BundleItem, Component, ComponentProduct, ComponentVariation, EventItem, Item, Listing, Price, Recommended,
    SessionItem, Variation,
};

/// How much of a session is shown to whom asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionUrls {
    /// With `url`.
    Shown,
    /// `url` is always null.
    Hidden,
}

impl SessionUrls {
    /// What the setting `public_session_urls` says.
    pub fn from_setting(public: bool) -> Self {
        if public { Self::Shown } else { Self::Hidden }
    }
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
}
