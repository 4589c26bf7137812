//! Builds the items of a response from the read model.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::read_model::items::{
    ListingKind, RecommendedProduct, StoreBundle, StoreProduct, TutorialEvent, is_tutorial,
};
use super::read_model::rows::{PriceRecord, TutorialSessionRow};
use super::response::{
    BundleItem, ComponentItem, ComponentProduct, ComponentVariation, EventItem, Listing, PriceItem, RecommendedItem,
    ResultItem, SessionItem, VariationItem,
};

/// Whether the URLs of online sessions are part of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionUrls {
    /// `url` has the stored value.
    Visible,
    /// `url` is always null.
    Hidden,
}

impl SessionUrls {
    /// Converts the setting `public_session_urls`.
    pub fn from_setting(public: bool) -> Self {
        if public { Self::Visible } else { Self::Hidden }
    }
}

/// Builds a listing with some of its variations, the first of which is of this store product.
pub fn build_listing<'a>(first: &'a StoreProduct, variations: Vec<VariationItem<'a>>) -> Listing<'a> {
    let row = &first.row;
    Listing {
        id: row.id,
        essp_id: row.id,
        store_product_id: row.id,
        kind: first.kind.name(),
        product_id: row.form.catalog_product_id,
        product_code: &row.form.catalog_code,
        product_name: &row.form.fullname,
        product_short_name: &row.form.shortname,
        product_description: row.form.description.as_deref(),
        buy_both: row.form.buy_both,
        subject_id: row.sitting.subject_id,
        subject_code: &row.sitting.subject_code,
        subject_description: row.sitting.subject_description.as_deref(),
        exam_session_code: &row.sitting.exam_session_code,
        exam_session_id: row.sitting.exam_session_id,
        variations,
    }
}

/// Builds the item of store products of one group. Returns `None` without any.
pub fn build_item<'a>(products: &[&'a StoreProduct], urls: SessionUrls) -> Option<ResultItem<'a>> {
    let variations = products.iter().map(|product| build_variation(product, urls)).collect();
    Some(ResultItem::Listing(Box::new(build_listing(products.first()?, variations))))
}

/// Builds a variation of a listing.
pub fn build_variation(product: &StoreProduct, urls: SessionUrls) -> VariationItem<'_> {
    let row = &product.row;
    let has_events = product.kind == ListingKind::Tutorial || is_tutorial(row) || !product.events.is_empty();
    VariationItem {
        id: row.form.id,
        store_product_id: row.id,
        variation_type: &row.form.variation_type,
        name: &row.form.variation_name,
        description: row.form.variation_description.as_deref(),
        description_short: row.form.variation_description_short.as_deref(),
        prices: product.prices.iter().map(|row| build_price(row, true)).collect(),
        events: has_events.then(|| product.events.iter().map(|event| build_event(event, urls)).collect()),
        recommended_product: product.recommended.as_ref().map(|found| found.as_deref().map(build_recommended)),
    }
}

fn build_recommended(product: &RecommendedProduct) -> RecommendedItem<'_> {
    RecommendedItem {
        essp_id: product.id,
        store_product_id: product.id,
        product_code: &product.catalog_code,
        product_name: &product.fullname,
        product_short_name: &product.shortname,
        variation_type: &product.variation_type,
        prices: product.prices.iter().map(|row| build_price(row, true)).collect(),
    }
}

fn build_event(event: &TutorialEvent, urls: SessionUrls) -> EventItem<'_> {
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
        sessions: event.sessions.iter().map(|session| build_session(session, urls)).collect(),
    }
}

fn build_session(row: &TutorialSessionRow, urls: SessionUrls) -> SessionItem<'_> {
    SessionItem {
        id: row.id,
        title: &row.title,
        location: row.place.location.as_deref(),
        venue: row.place.venue.as_deref(),
        start_date: format_timestamp(row.start),
        end_date: format_timestamp(row.end),
        sequence: row.sequence,
        url: row.url.as_deref().filter(|_| urls == SessionUrls::Visible),
    }
}

/// Builds a bundle with those of its components that are on sale.
pub fn build_bundle(bundle: &StoreBundle) -> BundleItem<'_> {
    let row = &bundle.row;
    let components: Vec<ComponentItem<'_>> = bundle
        .components
        .iter()
        .filter_map(|component| {
            let product = component.store_product()?;
            Some(ComponentItem {
                id: product.row.id,
                product_code: &product.row.product_code,
                product: ComponentProduct {
                    id: product.row.form.catalog_product_id,
                    fullname: &product.row.form.fullname,
                },
                product_variation: ComponentVariation {
                    id: product.row.form.variation_id,
                    name: &product.row.form.variation_name,
                    variation_type: &product.row.form.variation_type,
                    description_short: product.row.form.variation_description_short.as_deref(),
                },
                prices: product.prices.iter().map(|row| build_price(row, false)).collect(),
                default_price_type: &component.row.default_price_type,
                quantity: component.row.quantity,
                sort_order: component.row.sort_order,
            })
        })
        .collect();
    BundleItem {
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
    }
}

fn build_price(row: &PriceRecord, with_id: bool) -> PriceItem<'_> {
    PriceItem {
        id: with_id.then_some(row.id),
        price_type: &row.price_type,
        amount: format_amount(row.amount),
        currency: &row.currency,
    }
}

/// Formats an amount with two decimals: `610` → `"610.00"`.
fn format_amount(amount: Decimal) -> String {
    format!("{amount:.2}")
}

/// Formats a time as RFC 3339 in UTC with the offset `+00:00`. A fraction is written only when it is not zero.
fn format_timestamp(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_have_a_fixed_format() {
        assert_eq!(format_amount(Decimal::new(610, 0)), "610.00");
        assert_eq!(format_amount(Decimal::new(7005, 2)), "70.05");
        let time: Timestamp = "2026-02-10T09:30:00Z".parse().expect("a time");
        assert_eq!(format_timestamp(time), "2026-02-10T09:30:00+00:00");
    }
}
