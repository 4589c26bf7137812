//! Tutorials in the shapes of the shop.

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::search::read_model::ReadModel;
use crate::search::read_model::items::{ListingKind, StoreProduct, TutorialEvent};

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopEvent<'a> {
    pub id: i64,
    pub code: &'a str,
    pub title: &'a str,
    pub venue: Option<&'a str>,
    pub location: Option<&'a str>,
    pub is_soldout: bool,
    #[schema(value_type = Option<String>, format = Date)]
    pub finalisation_date: Option<Date>,
    pub remain_space: i32,
    #[schema(value_type = String, format = Date)]
    pub start_date: Date,
    #[schema(value_type = String, format = Date)]
    pub end_date: Date,
    /// Always null: prices belong to the product.
    #[schema(example = json!(null))]
    pub price: Option<String>,
    pub store_product: i64,
    pub store_product_code: &'a str,
    pub subject_code: &'a str,
}

/// A tutorial product of a subject.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct TutorialProduct<'a> {
    pub subject_code: &'a str,
    pub subject_name: Option<&'a str>,
    /// Full name of the product.
    pub location: &'a str,
    pub product_id: i64,
}

/// A variation that is on sale.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopVariation<'a> {
    /// Id of the store product.
    pub id: i64,
    pub variation_type: &'a str,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub description_short: Option<&'a str>,
    pub product_code: &'a str,
}

/// A tutorial of a subject with everything that is offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedTutorial<'a> {
    pub subject_id: i64,
    pub subject_code: &'a str,
    pub subject_name: Option<&'a str>,
    pub product_id: i64,
    /// Full name of the product.
    pub location: &'a str,
    pub variations: Vec<OfferedVariation<'a>>,
}

/// A variation with its events.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedVariation<'a> {
    pub id: i64,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub description_short: Option<&'a str>,
    pub events: Vec<ShopEvent<'a>>,
}

fn event<'a>(product: &'a StoreProduct, event: &'a TutorialEvent) -> ShopEvent<'a> {
    let row = &event.row;
    ShopEvent {
        id: row.id,
        code: &row.code,
        title: &row.code,
        venue: row.place.venue.as_deref(),
        location: row.place.location.as_deref(),
        is_soldout: row.is_soldout,
        finalisation_date: row.finalisation_date,
        remain_space: row.remain_space,
        start_date: row.start_date,
        end_date: row.end_date,
        price: None,
        store_product: product.row.id,
        store_product_code: &product.row.product_code,
        subject_code: &product.row.sitting.subject_code,
    }
}

fn is_of_subject(product: &StoreProduct, subject: Option<&str>) -> bool {
    subject.is_none_or(|subject| product.row.sitting.subject_code.eq_ignore_ascii_case(subject))
}

fn tutorials(model: &ReadModel) -> impl Iterator<Item = &StoreProduct> {
    model.store_products().filter(|product| product.kind == ListingKind::Tutorial || !product.events.is_empty())
}

/// Returns the events of a subject, or all, by start and code.
pub fn events<'a>(model: &'a ReadModel, subject: Option<&str>) -> Vec<ShopEvent<'a>> {
    let products = tutorials(model).filter(|product| is_of_subject(product, subject));
    let mut events: Vec<ShopEvent<'a>> =
        products.flat_map(|product| product.events.iter().map(move |one| event(product, one))).collect();
    events.sort_by(|a, b| (a.start_date, a.code).cmp(&(b.start_date, b.code)));
    events
}

/// Returns the tutorial products of an exam session (code or id) and a subject, or all, each once.
pub fn products<'a>(model: &'a ReadModel, of: Option<(&str, &str)>) -> Vec<TutorialProduct<'a>> {
    let is_chosen = |product: &&StoreProduct| {
        of.is_none_or(|(session, subject)| {
            let row = &product.row;
            let is_session =
                &*row.sitting.exam_session_code == session || row.sitting.exam_session_id.to_string() == session;
            is_session && is_of_subject(product, Some(subject))
        })
    };
    let found = tutorials(model).filter(is_chosen).map(|StoreProduct { row, .. }| TutorialProduct {
        subject_code: &row.sitting.subject_code,
        subject_name: row.sitting.subject_description.as_deref(),
        location: &row.form.fullname,
        product_id: row.form.catalog_product_id,
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found.dedup();
    found
}

/// Returns the variations of a tutorial product; none if it is not on sale.
pub fn variations<'a>(model: &'a ReadModel, product: i64, subject: Option<&str>) -> Option<Vec<ShopVariation<'a>>> {
    let of_product: Vec<&StoreProduct> =
        tutorials(model).filter(|one| one.row.form.catalog_product_id == product).collect();
    let chosen = of_product.iter().filter(|one| is_of_subject(one, subject));
    let found = chosen.map(|one| {
        let row = &one.row;
        ShopVariation {
            id: row.id,
            variation_type: &row.form.variation_type,
            name: &row.form.variation_name,
            description: row.form.variation_description.as_deref(),
            description_short: row.form.variation_description_short.as_deref(),
            product_code: &row.product_code,
        }
    });
    (!of_product.is_empty()).then(|| found.collect())
}

/// Returns every subject and tutorial product with its variations and events.
pub fn offers(model: &ReadModel) -> Vec<OfferedTutorial<'_>> {
    let mut offers: Vec<OfferedTutorial<'_>> = Vec::new();
    for product in tutorials(model) {
        let row = &product.row;
        let variation = OfferedVariation {
            id: row.form.id,
            name: &row.form.variation_name,
            description: row.form.variation_description.as_deref(),
            description_short: row.form.variation_description_short.as_deref(),
            events: product.events.iter().map(|one| event(product, one)).collect(),
        };
        let known = offers.iter_mut().find(|offer| {
            offer.subject_id == row.sitting.subject_id && offer.product_id == row.form.catalog_product_id
        });
        match known {
            Some(offer) => match offer.variations.iter_mut().find(|known| known.id == variation.id) {
                // The same variation in another exam session.
                Some(known) => known.events.extend(variation.events),
                None => offer.variations.push(variation),
            },
            None => offers.push(OfferedTutorial {
                subject_id: row.sitting.subject_id,
                subject_code: &row.sitting.subject_code,
                subject_name: row.sitting.subject_description.as_deref(),
                product_id: row.form.catalog_product_id,
                location: &row.form.fullname,
                variations: vec![variation],
            }),
        }
    }
    offers
}
