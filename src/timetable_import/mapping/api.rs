//! Product mappings over HTTP.

use std::collections::BTreeMap;

use axum::Router;

use super::hooks::MappingHooks;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::resources::api::{self, ResourceState};
use crate::resources::description::describe;
use crate::resources::{DefaultValue, FieldSource, ResourceField, ResourceHooks, TableResource, ValueKind};

/// The longest name that a mapping contains, in characters.
const MAX_NAME: usize = 255;

/// The table of product mappings as documents, without the letters of the settings.
pub static PRODUCT_MAPPINGS: TableResource = with_hooks(&WITHOUT_LETTERS);

static WITHOUT_LETTERS: MappingHooks = MappingHooks { letters: BTreeMap::new() };

static INPUTS: [ResourceField; 1] = [line("store_product")];

static FIELDS: [ResourceField; 7] = [
    ResourceField::id(),
    line("template"),
    line("location").or(DefaultValue::Text(super::ANY)),
    line("sitting").or(DefaultValue::Text(super::ANY)),
    ResourceField::reference("store_product_id", "acted.products").or_inputs(&["store_product"]),
    line("store_product")
        .from(FieldSource::Expression(
            "(SELECT known.product_code FROM acted.products AS known WHERE known.id = item.store_product_id)",
        ))
        .read_only(),
    ResourceField::time("created_at"),
];

const fn with_hooks(hooks: &'static dyn ResourceHooks) -> TableResource {
    TableResource {
        path: "/api/imports/product-mappings",
        item_path: "/api/imports/product-mappings/{id}",
        noun: "product mapping",
        table: "lectern.product_mappings",
        fields: &FIELDS,
        inputs: &INPUTS,
        order: &["template", "location", "sitting"],
        public_rows: "false",
        hooks,
        ..TableResource::BASE
    }
}

const fn line(name: &'static str) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max: MAX_NAME })
}

/// Describes the routes.
pub fn description() -> ApiPart {
    describe(&[&PRODUCT_MAPPINGS], false)
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    api::parameters(&[&PRODUCT_MAPPINGS])
}

/// The routes of product mappings.
pub fn router(state: &ResourceState) -> Router {
    // The letters of the settings are needed as long as the process lives.
    let hooks = Box::leak(Box::new(MappingHooks { letters: state.server.config.sittings.clone() }));
    let state = ResourceState { is_public: false, ..state.clone() };
    api::router(&[Box::leak(Box::new(with_hooks(hooks)))], &state)
}
