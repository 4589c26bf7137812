//! A provider brought into our tables.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::codes::{Codes, slug};
use super::provider::{Material, PRICES, Provider, Template, priced};
use super::sample::{LIVE_ONLINE, ONLINE};
use crate::catalogue;
use crate::catalogue::{Bundle, Catalogue, Facet, Group, NewStoreProduct, Product, Recommendation, Variation};
use crate::error::Result;
use crate::tutorials::LearningMode;
use crate::tutorials::reference;
use crate::tutorials::reference::{CourseTemplate, Instructor, References};

/// Brings in what is missing of a provider.
pub async fn fill(db: &mut PgConnection, provider: &Provider) -> Result<()> {
    catalogue::add(db, &catalogue_of(provider)).await?;
    reference::add(db, &references_of(provider)).await?;
    Ok(())
}

/// What tutorials refer to.
pub fn references_of(provider: &Provider) -> References {
    let mut logins = Codes::default();
    let template = |template: &Template| CourseTemplate { code: template.code.clone(), title: template.title.clone() };
    References {
        templates: provider.templates.iter().map(template).collect(),
        locations: provider.locations.clone(),
        venues: provider.venues.clone(),
        rooms: Vec::new(),
        instructors: provider
            .instructors
            .iter()
            .map(|person| {
                let username = logins.give(&format!("demo.{}", slug(&person.full_name())), 150);
                Instructor {
                    email: format!("{}@example.org", username.chars().take(60).collect::<String>()),
                    first_name: person.first_name.clone(),
                    last_name: person.last_name.clone(),
                    username,
                }
            })
            .collect(),
    }
}

/// What is sold: tutorials of every kind, materials, marking, and a bundle for every subject that has materials.
pub fn catalogue_of(provider: &Provider) -> Catalogue {
    let mut catalogue = Catalogue {
        subjects: provider.subjects.clone(),
        exam_sessions: provider.exam_sessions.clone(),
        groups: groups(),
        facets: facets(),
        ..Catalogue::default()
    };
    add_tutorials(&mut catalogue, provider);
    add_goods(&mut catalogue, provider);
    catalogue
}

/// A filter group: key and name.
type NamedId = (&'static str, &'static str);

/// Categories, and the kinds of products in each.
#[rustfmt::skip]
const GROUPS: [(NamedId, &[NamedId]); 3] = [
    (("tutorial", "Tutorial"), &[("online", "Live online tutorial"), ("room", "Face-to-face tutorial"), ("alone", "Self-paced tutorial")]),
    (("material", "Material"), &[("notes", "Course notes"), ("cards", "Flashcards")]),
    (("marking", "Marking"), &[("assignments", "Assignment marking"), ("mocks", "Mock exam marking")]),
];

fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for ((code, name), below) in GROUPS {
        groups.push(Group { name: name.into(), code: code.into(), parent: None });
        groups.extend(below.iter().map(|(kind, name)| Group {
            name: (*name).into(),
            code: (*kind).into(),
            parent: Some(code.into()),
        }));
    }
    groups
}

fn facets() -> Vec<Facet> {
    let categories = GROUPS.iter().map(|((code, _), _)| (*code).into()).collect();
    let kinds = GROUPS.iter().flat_map(|(_, below)| below.iter().map(|(kind, _)| (*kind).into())).collect();
    vec![
        Facet { key: "categories".into(), label: "Category".into(), groups: categories },
        Facet { key: "product_types".into(), label: "Kind of product".into(), groups: kinds },
    ]
}

/// A tutorial's product is its location, its variation the course template: that is how an import finds it.
fn add_tutorials(catalogue: &mut Catalogue, provider: &Provider) {
    let mut codes = Codes::default();
    catalogue.products.extend(provider.locations.iter().map(|location| {
        Product {
            fullname: tutorial_name(&location.name),
            shortname: location.name.clone(),
            code: codes.give(&location.code, 10),
            description: String::new(),
            buy_both: false,
            group: match location.name.as_str() {
                LIVE_ONLINE => "online",
                ONLINE => "alone",
                _ => "room",
            }
            .into(),
        }
    }));
    catalogue.variations.extend(provider.templates.iter().map(|template| Variation {
        kind: "Tutorial".into(),
        name: template.code.clone(),
        code: template.code.clone(),
        description: said_of(template),
    }));
    let templates: BTreeMap<&str, &Template> = provider.templates.iter().map(|t| (t.code.as_str(), t)).collect();
    let mut codes = Codes::default();
    for tutorial in &provider.tutorials {
        let Some(template) = templates.get(tutorial.template.as_str()) else { continue };
        let place = provider.locations.iter().find(|place| place.name == tutorial.location);
        let place = place.map_or("", |place| place.code.as_str());
        catalogue.store_products.push(NewStoreProduct {
            code: codes.give(&format!("{}/{}/{place}", tutorial.exam_session, template.code), 64),
            exam_session: tutorial.exam_session.clone(),
            subject: template.subject.clone(),
            product: tutorial_name(&tutorial.location),
            variation: template.code.clone(),
            prices: prices(template.price),
            currency: "GBP".into(),
        });
    }
}

fn tutorial_name(location: &str) -> String {
    format!("Tutorial - {location}")
}

fn said_of(template: &Template) -> String {
    match (template.teaching, template.sessions) {
        (LearningMode::Lms, _) => "At your own pace".into(),
        (_, 1) => "One session".into(),
        (_, sessions) => format!("{sessions} sessions"),
    }
}

fn prices(full: u32) -> Vec<(String, rust_decimal::Decimal)> {
    PRICES.iter().map(|(kind, _, per_cent)| ((*kind).to_owned(), priced(full, *per_cent))).collect()
}

fn add_goods(catalogue: &mut Catalogue, provider: &Provider) {
    for good in &provider.goods {
        if !catalogue.products.contains(&good.product) {
            catalogue.products.push(good.product.clone());
        }
        catalogue.variations.push(good.variation.clone());
    }
    for exam_session in &provider.exam_sessions {
        for subject in &provider.subjects {
            let offers: Vec<NewStoreProduct> =
                provider.goods.iter().map(|good| offer(good, &subject.code, &exam_session.code)).collect();
            if !offers.is_empty() {
                catalogue.bundles.push(Bundle {
                    name: format!("{} Complete", subject.code),
                    description: format!("Everything for {}: notes, flashcards and marking", subject.description),
                    subject: subject.code.clone(),
                    exam_session: exam_session.code.clone(),
                    store_products: offers.iter().map(|offer| offer.code.clone()).collect(),
                });
            }
            catalogue.store_products.extend(offers);
        }
    }
    catalogue.recommendations.extend(recommendation(&provider.goods));
}

fn offer(good: &Material, subject: &str, exam_session: &str) -> NewStoreProduct {
    NewStoreProduct {
        code: format!("{subject}/{}/{exam_session}", good.variation.code),
        exam_session: exam_session.into(),
        subject: subject.into(),
        product: good.product.fullname.clone(),
        variation: good.variation.code.clone(),
        prices: prices(good.price),
        currency: "GBP".into(),
    }
}

/// Beside the first good, the last is shown: with the notes, a marking.
fn recommendation(goods: &[Material]) -> Option<Recommendation> {
    let key = |good: &Material| (good.product.fullname.clone(), good.variation.code.clone());
    let (first, last) = (goods.first()?, goods.last()?);
    (key(first) != key(last)).then(|| Recommendation { of: key(first), recommended: key(last) })
}
