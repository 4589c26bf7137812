//! The parameters and the body of a search for the description of the API.

use serde_json::{Map, Value, json};

use super::ListFilter;

const CURSOR: &str = "The `next_cursor` of the page before, with the same text and filters.";
const FIELDS: &str = "Names of members, with commas: of the response, of its items, or of both. None: all.";
const EXPLAIN: &str = "Whether items say why they were found (`_explain`), and the response what was corrected.";
const HIGHLIGHT: &str = "Whether items contain the matching texts as HTML with `<mark>` (`_highlight`).";

/// Parameters of the address that choose filters, as the shop sends them, and those that change nothing.
const NAVIGATION: [(&str, &str, &str); 8] = [
    ("group", "The same as a value of `categories`.", "Tutorial"),
    ("tutorial_format", "The same as a value of `categories`.", "Tutorial"),
    ("distance_learning", "Present: the category Material.", "1"),
    ("product", "Id of a product of the catalogue.", "31"),
    ("variation", "Ignored.", "1"),
    ("tutorial", "Ignored.", "1"),
    ("include_analytics", "Ignored.", "false"),
    ("shape", "Ignored.", "array"),
];

/// Describes the parameters of the address that `GET` takes.
pub fn get_parameters() -> Value {
    let mut parameters = vec![
        query("q", "The text. Empty: everything.", json!({ "type": "string" }), json!("cm2 london")),
        query("page", "Number of the page, from 1.", number(1, None), json!(1)),
        query("page_size", "Results of a page; 20 if not given.", number(1, Some(100)), json!(20)),
        query("cursor", CURSOR, json!({ "type": "string" }), json!("WzE3MTY1NiwyLDAsIlMwMDEiXQ")),
        query("include_bundles", "Whether bundles are found too.", json!({ "type": "boolean" }), json!(true)),
        query("starts_from", "Only events that start on this day or later.", date(), json!("2026-04-01")),
        query("starts_to", "Only events that start on this day or earlier.", date(), json!("2026-06-30")),
        query(
            "available",
            "Only events that can be booked, or only others.",
            json!({ "type": "boolean" }),
            json!(true),
        ),
    ];
    parameters.extend(ListFilter::ALL.iter().map(|filter| {
        let schema = json!({ "type": "array", "items": { "type": "string" }, "maxItems": 1000 });
        let mut parameter = query(filter.key(), about(*filter), schema, json!([example(*filter)]));
        parameter["style"] = "form".into();
        parameter["explode"] = true.into();
        parameter
    }));
    parameters.extend(navigation());
    parameters.extend(contents());
    parameters.into()
}

/// Describes the parameters of the address that `POST` takes.
pub fn post_parameters() -> Value {
    navigation().chain(contents()).collect()
}

fn navigation() -> impl Iterator<Item = Value> {
    NAVIGATION.iter().map(|(name, about, example)| query(name, about, json!({ "type": "string" }), json!(example)))
}

fn contents() -> impl Iterator<Item = Value> {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    [
        query("fields", FIELDS, text(), json!("id,product_name,variations")),
        query("explain", EXPLAIN, flag(), json!(true)),
        query("highlight", HIGHLIGHT, flag(), json!(true)),
    ]
    .into_iter()
}

/// Describes the body of `POST`.
pub fn body() -> Value {
    let object =
        |properties: Value| json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let mut filters = json!({});
    for filter in ListFilter::ALL {
        filters[filter.key()] = json!({
            "type": "array", "description": about(filter), "items": { "type": ["string", "number"] }, "maxItems": 1000,
            "example": [example(filter)],
        });
    }
    filters["starts_from"] = date();
    filters["starts_to"] = date();
    filters["available"] = json!({ "type": "boolean" });
    object(json!({
        "searchQuery": { "type": "string", "description": "The text. Empty: everything." },
        "filters": object(filters),
        "pagination": object(json!({
            "page": number(1, None),
            "page_size": number(1, Some(100)),
            "cursor": { "type": ["string", "null"], "description": CURSOR },
        })),
        "options": object(json!({
            "include_bundles": { "type": "boolean" },
            "include_analytics": { "description": "Ignored.", "example": false },
            "shape": { "description": "Ignored.", "example": "array" },
            "fields": { "type": "array", "items": { "type": "string" }, "description": FIELDS },
            "explain": { "type": "boolean", "description": EXPLAIN },
            "highlight": { "type": "boolean", "description": HIGHLIGHT },
        })),
    }))
}

fn about(filter: ListFilter) -> &'static str {
    match filter {
        ListFilter::Subjects => "Codes or ids of subjects.",
        ListFilter::Categories => "Names or codes of groups; Bundle selects bundles.",
        ListFilter::ProductTypes => "Names or codes of groups, beside those of `categories`.",
        ListFilter::Products => "Ids of products of the catalogue.",
        ListFilter::EsspIds => "Ids of store products.",
        ListFilter::ProductIds => "Ids of products of the catalogue; `products` is ignored then.",
        ListFilter::ModesOfDelivery => "Types or names of variations.",
        ListFilter::Locations => "Names or codes of locations.",
        ListFilter::Venues => "Names of venues.",
        ListFilter::Instructors => "Names of instructors.",
    }
}

fn example(filter: ListFilter) -> &'static str {
    match filter {
        ListFilter::Subjects => "CM2",
        ListFilter::Categories | ListFilter::ProductTypes | ListFilter::ModesOfDelivery => "Tutorial",
        ListFilter::Products | ListFilter::EsspIds | ListFilter::ProductIds => "31",
        ListFilter::Locations => "London",
        ListFilter::Venues => "Holborn Rooms",
        ListFilter::Instructors => "Ann Lee",
    }
}

fn number(minimum: u64, maximum: Option<u64>) -> Value {
    let mut schema = json!({ "type": "integer", "format": "int64", "minimum": minimum });
    if let Some(maximum) = maximum {
        schema["maximum"] = maximum.into();
    }
    schema
}

fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

fn query(name: &str, about: &str, schema: Value, example: Value) -> Value {
    json!({ "name": name, "in": "query", "description": about, "schema": schema, "example": example })
}

/// Says in the schema of the response that the parameter `fields` leaves members out. Other routes have whole items.
pub fn allow_chosen_members(schemas: &mut Map<String, Value>) {
    let Some(response) = schemas.get_mut("SearchResponse") else { return };
    response.as_object_mut().and_then(|response| response.remove("required"));
    let items = &mut response["properties"]["products"]["items"];
    let chosen = json!({ "type": "object", "description": "Only the members that `fields` names." });
    *items = json!({ "anyOf": [items.take(), chosen] });
}
