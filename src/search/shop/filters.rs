//! The filter panel of the shop.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::navigation::subjects;
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::StoreProduct;
use crate::search::read_model::rows::FilterRow;

/// One filter.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilterSetting<'a> {
    /// What the filter compares, such as `filter_group`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub label: &'a str,
    pub description: &'a str,
    pub display_order: i32,
    pub collapsible: bool,
    pub default_open: bool,
    pub required: bool,
    pub allow_multiple: bool,
    /// Key of the filter in a search.
    pub filter_key: &'a str,
    pub ui_config: &'a Value,
    pub validation_rules: &'a Value,
    pub dependency_rules: &'a Value,
    pub options: Vec<FilterOption<'a>>,
    pub filter_groups: Vec<FilterGroup<'a>>,
    pub filter_type: &'a str,
    pub group_count: usize,
}

/// A value that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilterOption<'a> {
    pub id: Option<i64>,
    /// What a search takes.
    pub value: &'a str,
    pub label: &'a str,
}

/// A group that a filter offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilterGroup<'a> {
    pub id: i64,
    pub name: &'a str,
    pub code: Option<&'a str>,
    pub display_order: i32,
    pub is_default: bool,
}

/// Returns the active filters of these types, or of all, by name.
pub fn filter_configuration<'a>(model: &'a ReadModel, types: &[&str]) -> BTreeMap<&'a str, FilterSetting<'a>> {
    let is_chosen = |row: &&FilterRow| types.is_empty() || types.contains(&row.filter_type.as_str());
    model.filters().iter().filter(is_chosen).map(|row| (row.name.as_str(), setting(model, row))).collect()
}

fn setting<'a>(model: &'a ReadModel, row: &'a FilterRow) -> FilterSetting<'a> {
    let groups: Vec<FilterGroup<'a>> = row
        .groups
        .iter()
        .filter_map(|entry| {
            Some(FilterGroup {
                id: entry["id"].as_i64()?,
                name: entry["name"].as_str()?,
                code: entry["code"].as_str(),
                display_order: entry["display_order"]
                    .as_i64()
                    .and_then(|order| order.try_into().ok())
                    .unwrap_or_default(),
                is_default: entry["is_default"] == true,
            })
        })
        .collect();
    FilterSetting {
        kind: &row.filter_type,
        label: if row.display_label.is_empty() { &row.name } else { &row.display_label },
        description: &row.description,
        display_order: row.display_order,
        collapsible: row.is_collapsible,
        default_open: row.is_expanded_by_default,
        required: row.is_required,
        allow_multiple: row.allow_multiple,
        filter_key: &row.filter_key,
        ui_config: &row.ui_config,
        validation_rules: &row.validation_rules,
        dependency_rules: &row.dependency_rules,
        options: options(model, row, &groups),
        group_count: groups.len(),
        filter_groups: groups,
        filter_type: &row.filter_type,
    }
}

fn options<'a>(model: &'a ReadModel, row: &FilterRow, groups: &[FilterGroup<'a>]) -> Vec<FilterOption<'a>> {
    let all: Vec<&StoreProduct> = model.store_products().collect();
    match row.filter_type.as_str() {
        "subject" => subjects(&all)
            .into_iter()
            .map(|subject| FilterOption { id: Some(subject.id), value: subject.code, label: subject.code })
            .collect(),
        "product_variation" => {
            let kinds: BTreeMap<&str, &str> = all
                .iter()
                .map(|product| (&*product.row.form.variation_type, &*product.row.form.variation_type))
                .collect();
            kinds.into_iter().map(|(value, label)| FilterOption { id: None, value, label }).collect()
        }
        _ => groups
            .iter()
            .map(|group| FilterOption { id: Some(group.id), value: group.name, label: group.name })
            .collect(),
    }
}
