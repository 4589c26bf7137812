//! Inserts a provider into the local tables.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::codes::{Codes, slug};
use super::provider::{Material, PRICES, Provider, Template, share_of_price};
use super::sample::{LIVE_ONLINE, ONLINE};
use crate::catalogue;
use crate::catalogue::{Bundle, Catalogue, Facet, Group, NewStoreProduct, Product, Recommendation, Variation};
use crate::error::Result;
use crate::tutorials::LearningMode;
use crate::tutorials::reference;
use crate::tutorials::reference::{CourseTemplate, Instructor, References};

/// Inserts the missing rows of a provider.
pub async fn fill(db: &mut PgConnection, provider: &Provider) -> Result<()> {
    catalogue::add(db, &catalogue_of(provider)).await?;
    reference::add(db, &references_of(provider)).await?;
    Ok(())
}

/// Returns the reference data of tutorials: templates, locations, venues and instructors.
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
                let username = logins.allocate(&format!("demo.{}", slug(&person.full_name())), 150);
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

/// Returns the catalogue: tutorials, materials, marking, and a bundle for every subject that has materials.
pub fn catalogue_of(provider: &Provider) -> Catalogue {
    let mut catalogue = Catalogue {
        subjects: provider.subjects.clone(),
        exam_sessions: provider.exam_sessions.clone(),
        groups: groups(),
        facets: facets(),
        ..Catalogue::default()
    };
    add_tutorials(&mut catalogue, provider);
    add_materials(&mut catalogue, provider);
    catalogue
}

/// Key and name of a filter group.
type GroupName = (&'static str, &'static str);

/// Categories with their kinds of products.
#[rustfmt::skip]
const GROUPS: [(GroupName, &[GroupName]); 3] = [
    (("tutorial", "Tutorial"), &[("online", "Live online tutorial"), ("room", "Face-to-face tutorial"), ("alone", "Self-paced tutorial")]),
    (("material", "Material"), &[("notes", "Course notes"), ("cards", "Flashcards")]),
    (("marking", "Marking"), &[("assignments", "Assignment marking"), ("mocks", "Mock exam marking")]),
];

fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for ((code, name), kinds) in GROUPS {
        groups.push(Group { name: name.into(), code: code.into(), parent: None });
        groups.extend(kinds.iter().map(|(kind, name)| Group {
            name: (*name).into(),
            code: (*kind).into(),
            parent: Some(code.into()),
        }));
    }
    groups
}

fn facets() -> Vec<Facet> {
    let categories = GROUPS.iter().map(|((code, _), _)| (*code).into()).collect();
    let kinds = GROUPS.iter().flat_map(|(_, kinds)| kinds.iter().map(|(kind, _)| (*kind).into())).collect();
    vec![
        Facet { key: "categories".into(), label: "Category".into(), groups: categories },
        Facet { key: "product_types".into(), label: "Kind of product".into(), groups: kinds },
    ]
}

/// Adds tutorials. The product of a tutorial is its location, the variation its course template: an import finds it by
/// these.
fn add_tutorials(catalogue: &mut Catalogue, provider: &Provider) {
    let mut codes = Codes::default();
    catalogue.products.extend(provider.locations.iter().map(|location| {
        Product {
            fullname: tutorial_name(&location.name),
            shortname: location.name.clone(),
            code: codes.allocate(&location.code, 10),
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
        description: duration_of(template),
    }));
    let templates: BTreeMap<&str, &Template> = provider.templates.iter().map(|t| (t.code.as_str(), t)).collect();
    let mut codes = Codes::default();
    for tutorial in &provider.tutorials {
        let Some(template) = templates.get(tutorial.template.as_str()) else { continue };
        let location = provider.locations.iter().find(|location| location.name == tutorial.location);
        let location = location.map_or("", |location| location.code.as_str());
        catalogue.store_products.push(NewStoreProduct {
            code: codes.allocate(&format!("{}/{}/{location}", tutorial.exam_session, template.code), 64),
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

fn duration_of(template: &Template) -> String {
    match (template.mode, template.sessions) {
        (LearningMode::Lms, _) => "At your own pace".into(),
        (_, 1) => "One session".into(),
        (_, sessions) => format!("{sessions} sessions"),
    }
}

/// Returns the price types with their amounts. `full`: the full price in pounds.
fn prices(full: u32) -> Vec<(String, rust_decimal::Decimal)> {
    PRICES.iter().map(|(kind, _, per_cent)| ((*kind).to_owned(), share_of_price(full, *per_cent))).collect()
}

/// Adds materials and marking for every subject and exam session, their bundles and a recommendation.
fn add_materials(catalogue: &mut Catalogue, provider: &Provider) {
    for material in &provider.materials {
        if !catalogue.products.contains(&material.product) {
            catalogue.products.push(material.product.clone());
        }
        catalogue.variations.push(material.variation.clone());
    }
    for exam_session in &provider.exam_sessions {
        for subject in &provider.subjects {
            let product = |material| store_product(material, &subject.code, &exam_session.code);
            let products: Vec<NewStoreProduct> = provider.materials.iter().map(product).collect();
            if !products.is_empty() {
                catalogue.bundles.push(Bundle {
                    name: format!("{} Complete", subject.code),
                    description: format!("Everything for {}: notes, flashcards and marking", subject.description),
                    subject: subject.code.clone(),
                    exam_session: exam_session.code.clone(),
                    store_products: products.iter().map(|product| product.code.clone()).collect(),
                });
            }
            catalogue.store_products.extend(products);
        }
    }
    catalogue.recommendations.extend(recommendation(&provider.materials));
}

fn store_product(material: &Material, subject: &str, exam_session: &str) -> NewStoreProduct {
    NewStoreProduct {
        code: format!("{subject}/{}/{exam_session}", material.variation.code),
        exam_session: exam_session.into(),
        subject: subject.into(),
        product: material.product.fullname.clone(),
        variation: material.variation.code.clone(),
        prices: prices(material.price),
        currency: "GBP".into(),
    }
}

/// Recommends the last material with the first one: a marking with the notes.
fn recommendation(materials: &[Material]) -> Option<Recommendation> {
    let key = |material: &Material| (material.product.fullname.clone(), material.variation.code.clone());
    let (first, last) = (materials.first()?, materials.last()?);
    (key(first) != key(last)).then(|| Recommendation { of: key(first), recommended: key(last) })
}
