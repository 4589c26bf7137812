//! The menu of the shop.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::names::fold;
use crate::search::legacy::ProductOption;
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::{ListingKind, StoreProduct};

#[derive(Debug, Serialize, ToSchema)]
pub struct NavigationData<'a> {
    pub subjects: Vec<MenuSubject<'a>>,
    pub navbar_product_groups: MenuGroups<'a>,
    pub distance_learning_dropdown: MenuGroups<'a>,
    pub tutorial_dropdown: TutorialMenu<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MenuSubject<'a> {
    pub id: i64,
    pub code: &'a str,
    pub description: Option<&'a str>,
    /// The same as the description.
    pub name: Option<&'a str>,
    pub active: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MenuGroups<'a> {
    pub results: Vec<MenuGroup<'a>>,
}

/// A group with its products that are on sale.
#[derive(Debug, Serialize, ToSchema)]
pub struct MenuGroup<'a> {
    /// Null: products of no group.
    pub id: Option<i64>,
    pub name: &'a str,
    pub products: Vec<ProductOption<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TutorialMenu<'a> {
    pub results: TutorialEntries<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TutorialEntries<'a> {
    #[serde(rename = "Location")]
    pub location: LocationColumns<'a>,
    #[serde(rename = "Format")]
    pub format: Vec<MenuFormat<'a>>,
    #[serde(rename = "Online Classroom")]
    pub online_classroom: Vec<MenuVariation<'a>>,
}

/// Tutorial products in two columns.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocationColumns<'a> {
    pub left: Vec<ProductOption<'a>>,
    pub right: Vec<ProductOption<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MenuFormat<'a> {
    pub name: &'a str,
    pub filter_type: &'static str,
    pub group_name: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MenuVariation<'a> {
    pub id: i64,
    pub name: &'a str,
    pub variation_type: &'a str,
    pub description: Option<&'a str>,
}

/// Returns the entries of the menu.
pub fn navigation_data(model: &ReadModel) -> NavigationData<'_> {
    let is_tutorial = |product: &&StoreProduct| product.kind == ListingKind::Tutorial;
    let is_online = |product: &&StoreProduct| fold(&product.row.form.fullname).contains("online classroom");
    let all: Vec<&StoreProduct> = model.store_products().collect();
    let (tutorials, others): (Vec<&StoreProduct>, Vec<&StoreProduct>) = all.iter().copied().partition(is_tutorial);
    let mut left = options(&tutorials);
    left.sort_by_key(|product| product.shortname);
    let right = left.split_off(left.len().div_ceil(2));
    let mut variations: Vec<MenuVariation<'_>> = Vec::new();
    for StoreProduct { row, .. } in tutorials.iter().copied().filter(is_online) {
        let variation = MenuVariation {
            id: row.form.variation_id,
            name: &row.form.variation_name,
            variation_type: &row.form.variation_type,
            description: row.form.variation_description.as_deref(),
        };
        if !variations.contains(&variation) {
            variations.push(variation);
        }
    }
    let formats = groups(model, &tutorials).into_iter().map(|group| MenuFormat {
        name: group.name,
        filter_type: "tutorial_format",
        group_name: group.name,
    });
    NavigationData {
        subjects: subjects(&all),
        navbar_product_groups: MenuGroups { results: groups(model, &all) },
        distance_learning_dropdown: MenuGroups { results: groups(model, &others) },
        tutorial_dropdown: TutorialMenu {
            results: TutorialEntries {
                location: LocationColumns { left, right },
                format: formats.collect(),
                online_classroom: variations,
            },
        },
    }
}

/// Returns the subjects of products, each once.
pub fn subjects<'a>(products: &[&'a StoreProduct]) -> Vec<MenuSubject<'a>> {
    let mut subjects: Vec<MenuSubject<'a>> = Vec::new();
    for StoreProduct { row, .. } in products {
        let name = row.sitting.subject_description.as_deref();
        let subject = MenuSubject {
            id: row.sitting.subject_id,
            code: &row.sitting.subject_code,
            description: name,
            name,
            active: true,
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects
}

/// Returns the active groups that contain any of these products, each with these products.
fn groups<'a>(model: &'a ReadModel, products: &[&'a StoreProduct]) -> Vec<MenuGroup<'a>> {
    let ids: BTreeSet<i64> = products.iter().map(|product| product.row.form.catalog_product_id).collect();
    let of_group = |(id, name, _): (i64, &'a str, &'a str)| {
        let is_inside = |product: &&StoreProduct| model.categories().contains(id, product.row.form.catalog_product_id);
        let inside: Vec<&StoreProduct> = products.iter().copied().filter(is_inside).collect();
        MenuGroup { id: Some(id), name, products: options(&inside) }
    };
    model.categories().containing(&ids).map(of_group).collect()
}

/// Returns catalogue products, each once.
pub fn options<'a>(products: &[&'a StoreProduct]) -> Vec<ProductOption<'a>> {
    let mut seen = BTreeSet::new();
    let first = products.iter().filter(|product| seen.insert(product.row.form.catalog_product_id));
    let options = first.map(|StoreProduct { row, .. }| ProductOption {
        id: row.form.catalog_product_id,
        shortname: &row.form.shortname,
        fullname: &row.form.fullname,
        code: &row.form.catalog_code,
    });
    options.collect()
}
