//! The tables of the catalogue as documents of the API.

use super::hooks::{GroupHooks, ProductVariationHooks, StoreProductHooks};
use crate::resources::{
    DefaultValue, FieldSource, Include, IncludedContent, LinkTable, PartTable, ResourceField, TableResource, ValueKind,
};

/// The resources of the catalogue.
pub static RESOURCES: [&TableResource; 11] = [
    &SUBJECTS,
    &EXAM_SESSIONS,
    &EXAM_SESSION_SUBJECTS,
    &PRODUCTS,
    &VARIATIONS,
    &PRODUCT_VARIATIONS,
    &STORE_PRODUCTS,
    &PRICES,
    &BUNDLE_TEMPLATES,
    &BUNDLES,
    &GROUPS,
];

/// The filters whose values are groups.
pub const FILTER_KEYS: &[&str] = &["categories", "product_types", "modes_of_delivery"];

const VARIATION_TYPES: &[&str] = &["eBook", "Hub", "Printed", "Marking", "Tutorial"];
const PRICE_TYPES: &[&str] = &["standard", "retaker", "reduced", "additional"];
const TEMPLATE_PRICE_TYPES: &[&str] = &["standard", "retaker", "additional"];

/// The highest number of a column of type integer.
const MAX: i64 = i32::MAX as i64;

const fn line(name: &'static str, max: usize) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max })
}

const fn note(name: &'static str) -> ResourceField {
    ResourceField::new(name, ValueKind::Note).or(DefaultValue::Null)
}

const fn number(name: &'static str, min: i64, default: i64) -> ResourceField {
    ResourceField::new(name, ValueKind::Integer { min, max: MAX }).or(DefaultValue::Number(default))
}

const fn price_type(name: &'static str, words: &'static [&'static str]) -> ResourceField {
    ResourceField::new(name, ValueKind::Choice(words)).or(DefaultValue::Text("standard"))
}

const fn links(name: &'static str, target: &'static str, own: &'static str, other: &'static str) -> ResourceField {
    let links = LinkTable { table: "acted.filter_product_product_groups", own, other };
    ResourceField::new(name, ValueKind::Ids(target)).from(FieldSource::Links(links)).or(DefaultValue::EmptyList)
}

const fn components(table: &'static str, fields: &'static [ResourceField]) -> ResourceField {
    let parts = PartTable { table, own: "bundle_id", order: "part.sort_order, part.id", public_rows: "part.is_active" };
    ResourceField::new("components", ValueKind::Items(fields))
        .from(FieldSource::Parts(parts))
        .or(DefaultValue::EmptyList)
}

pub(super) static SUBJECTS: TableResource = TableResource {
    path: "/api/catalogue/subjects",
    item_path: "/api/catalogue/subjects/{id}",
    noun: "subject",
    table: "acted.catalog_subjects",
    label: "concat_ws(' ', item.code, NULLIF(item.description, ''))",
    fields: &[
        ResourceField::id(),
        line("code", 10),
        note("description"),
        ResourceField::flag("active", true),
        note("name").from(FieldSource::Expression("item.description")).read_only(),
        ResourceField::time("created_at"),
        ResourceField::time("updated_at"),
    ],
    order: &["code"],
    public_rows: "item.active",
    ..TableResource::BASE
};

pub(super) static EXAM_SESSIONS: TableResource = TableResource {
    path: "/api/catalogue/exam-sessions",
    item_path: "/api/catalogue/exam-sessions/{id}",
    noun: "exam session",
    table: "acted.catalog_exam_sessions",
    label: "item.session_code",
    fields: &[
        ResourceField::id(),
        line("session_code", 50),
        ResourceField::new("start_date", ValueKind::Instant { is_end: false }),
        ResourceField::new("end_date", ValueKind::Instant { is_end: true }),
        ResourceField::time("create_date"),
        ResourceField::time("modified_date"),
    ],
    order: &["session_code"],
    periods: &[("start_date", "end_date")],
    changed_column: Some("modified_date"),
    ..TableResource::BASE
};

pub(super) static EXAM_SESSION_SUBJECTS: TableResource = TableResource {
    path: "/api/catalogue/exam-session-subjects",
    item_path: "/api/catalogue/exam-session-subjects/{id}",
    noun: "subject of an exam session",
    table: "acted.catalog_exam_session_subjects",
    label:
        "(SELECT subject.code FROM acted.catalog_subjects AS subject WHERE subject.id = item.subject_id) || ' in '
            || (SELECT exam.session_code FROM acted.catalog_exam_sessions AS exam WHERE exam.id = item.exam_session_id)",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("exam_session_id", "acted.catalog_exam_sessions"),
        ResourceField::reference("subject_id", "acted.catalog_subjects"),
        ResourceField::flag("is_active", true),
    ],
    public_rows: "item.is_active",
    ..TableResource::BASE
};

pub(super) static PRODUCTS: TableResource = TableResource {
    path: "/api/catalogue/products",
    item_path: "/api/catalogue/products/{id}",
    noun: "product",
    table: "acted.catalog_products",
    label: "item.fullname",
    fields: &[
        ResourceField::id(),
        line("fullname", 255),
        line("shortname", 100),
        note("description"),
        line("code", 10).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
        ResourceField::flag("buy_both", false),
        links("group_ids", "acted.filter_groups", "product_id", "product_group_id"),
    ],
    order: &["shortname"],
    public_rows: "item.is_active",
    ..TableResource::BASE
};

pub(super) static VARIATIONS: TableResource = TableResource {
    path: "/api/catalogue/variations",
    item_path: "/api/catalogue/variations/{id}",
    noun: "variation",
    table: "acted.catalog_product_variations",
    label: "concat_ws(', ', item.name, item.variation_type)",
    fields: &[
        ResourceField::id(),
        ResourceField::new("variation_type", ValueKind::Choice(VARIATION_TYPES)),
        line("name", 64),
        note("description"),
        line("description_short", 255).or(DefaultValue::Null),
        line("code", 50).or(DefaultValue::Null),
    ],
    order: &["variation_type", "name"],
    ..TableResource::BASE
};

pub(super) static PRODUCT_VARIATIONS: TableResource = TableResource {
    path: "/api/catalogue/product-variations",
    item_path: "/api/catalogue/product-variations/{id}",
    noun: "product variation",
    table: "acted.catalog_product_product_variations",
    label: "(SELECT product.fullname FROM acted.catalog_products AS product WHERE product.id = item.product_id) || ', '
            || (SELECT variation.name FROM acted.catalog_product_variations AS variation
                WHERE variation.id = item.product_variation_id)",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("product_id", "acted.catalog_products"),
        ResourceField::reference("product_variation_id", "acted.catalog_product_variations"),
        ResourceField::reference("recommended_id", "acted.catalog_product_product_variations")
            .from(FieldSource::Expression(
                "(SELECT known.recommended_product_product_variation_id
                  FROM acted.product_productvariation_recommendations AS known
                  WHERE known.product_product_variation_id = item.id)",
            ))
            .or(DefaultValue::Null),
    ],
    public_rows: "EXISTS (SELECT FROM acted.catalog_products AS known WHERE known.id = item.product_id AND known.is_active)",
    parts: &["acted.product_productvariation_recommendations"],
    hooks: &ProductVariationHooks,
    ..TableResource::BASE
};

pub(super) static STORE_PRODUCTS: TableResource = TableResource {
    path: "/api/catalogue/store-products",
    item_path: "/api/catalogue/store-products/{id}",
    noun: "store product",
    table: "acted.products",
    label: "item.product_code",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("exam_session_subject_id", "acted.catalog_exam_session_subjects")
            .or_inputs(&["exam_session_id", "subject_id"]),
        ResourceField::reference("product_product_variation_id", "acted.catalog_product_product_variations")
            .or_inputs(&["product_id", "variation_id"]),
        line("product_code", 64).or(DefaultValue::Generated),
        ResourceField::flag("is_active", true),
    ],
    inputs: &[
        ResourceField::reference("exam_session_id", "acted.catalog_exam_sessions"),
        ResourceField::reference("subject_id", "acted.catalog_subjects"),
        ResourceField::reference("product_id", "acted.catalog_products"),
        ResourceField::reference("variation_id", "acted.catalog_product_variations"),
    ],
    includes: &[Include {
        name: "prices",
        content: IncludedContent::Expression(
            "COALESCE((SELECT json_agg(json_build_object(
                'id', price.id, 'product_id', price.product_id, 'price_type', price.price_type,
                'amount', round(price.amount, 2)::text, 'currency', upper(price.currency)) ORDER BY price.id)
            FROM acted.prices AS price WHERE price.product_id = item.id), '[]')",
        ),
    }],
    order: &["product_code"],
    public_rows: "item.is_active",
    hooks: &StoreProductHooks,
    ..TableResource::BASE
};

pub(super) static PRICES: TableResource = TableResource {
    path: "/api/catalogue/prices",
    item_path: "/api/catalogue/prices/{id}",
    noun: "price",
    table: "acted.prices",
    label: "(SELECT sold.product_code FROM acted.products AS sold WHERE sold.id = item.product_id) || ', ' || item.price_type",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("product_id", "acted.products"),
        price_type("price_type", PRICE_TYPES),
        ResourceField::new("amount", ValueKind::Amount),
        ResourceField::new("currency", ValueKind::Currency)
            .from(FieldSource::Column { column: "currency", read: Some("upper(item.currency)") })
            .or(DefaultValue::Text("GBP")),
    ],
    public_rows: "EXISTS (SELECT FROM acted.products AS known WHERE known.id = item.product_id AND known.is_active)",
    ..TableResource::BASE
};

pub(super) static BUNDLE_TEMPLATES: TableResource = TableResource {
    path: "/api/catalogue/bundle-templates",
    item_path: "/api/catalogue/bundle-templates/{id}",
    noun: "bundle template",
    table: "acted.catalog_product_bundles",
    label: "item.bundle_name || ', '
            || (SELECT subject.code FROM acted.catalog_subjects AS subject WHERE subject.id = item.subject_id)",
    fields: &[
        ResourceField::id(),
        line("bundle_name", 255),
        ResourceField::reference("subject_id", "acted.catalog_subjects"),
        note("bundle_description"),
        ResourceField::flag("is_featured", false),
        ResourceField::flag("is_active", true),
        number("display_order", 0, 0),
        components(
            "acted.catalog_product_bundle_products",
            &[
                ResourceField::reference("product_product_variation_id", "acted.catalog_product_product_variations"),
                price_type("default_price_type", TEMPLATE_PRICE_TYPES),
                number("quantity", 1, 1),
                number("sort_order", 0, 0),
                ResourceField::flag("is_active", true),
            ],
        ),
    ],
    order: &["display_order", "bundle_name"],
    public_rows: "item.is_active",
    ..TableResource::BASE
};

pub(super) static BUNDLES: TableResource = TableResource {
    path: "/api/catalogue/bundles",
    item_path: "/api/catalogue/bundles/{id}",
    noun: "bundle",
    table: "acted.bundles",
    label: "COALESCE(NULLIF(item.override_name, ''), (SELECT template.bundle_name
                FROM acted.catalog_product_bundles AS template WHERE template.id = item.bundle_template_id)) || ', '
            || (SELECT exam.session_code FROM acted.catalog_exam_session_subjects AS taught
                JOIN acted.catalog_exam_sessions AS exam ON exam.id = taught.exam_session_id
                WHERE taught.id = item.exam_session_subject_id)",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("bundle_template_id", "acted.catalog_product_bundles"),
        ResourceField::reference("exam_session_subject_id", "acted.catalog_exam_session_subjects"),
        line("override_name", 255).or(DefaultValue::Null),
        note("override_description"),
        ResourceField::flag("is_active", true),
        number("display_order", 0, 0),
        line("name", 255)
            .from(FieldSource::Expression(
                "COALESCE(NULLIF(item.override_name, ''), (SELECT known.bundle_name
                    FROM acted.catalog_product_bundles AS known WHERE known.id = item.bundle_template_id))",
            ))
            .read_only(),
        components(
            "acted.bundle_products",
            &[
                ResourceField::reference("product_id", "acted.products"),
                price_type("default_price_type", PRICE_TYPES),
                number("quantity", 1, 1),
                number("sort_order", 0, 0),
                ResourceField::flag("is_active", true),
            ],
        ),
    ],
    order: &["display_order"],
    public_rows: "item.is_active",
    ..TableResource::BASE
};

pub(super) static GROUPS: TableResource = TableResource {
    path: "/api/catalogue/groups",
    item_path: "/api/catalogue/groups/{id}",
    noun: "group",
    table: "acted.filter_groups",
    label: "item.name",
    fields: &[
        ResourceField::id(),
        line("name", 100),
        line("code", 100).or(DefaultValue::Null),
        ResourceField::reference("parent_id", "acted.filter_groups").or(DefaultValue::Null),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
        number("display_order", -MAX, 0),
        links("product_ids", "acted.catalog_products", "product_group_id", "product_id"),
        ResourceField::new("filter_keys", ValueKind::Choices(FILTER_KEYS))
            .from(FieldSource::Expression(
                "COALESCE((SELECT json_agg(DISTINCT filter.filter_key)
                    FROM acted.filter_configuration_groups AS entry
                    JOIN acted.filter_configurations AS filter ON filter.id = entry.filter_configuration_id
                    WHERE entry.filter_group_id = item.id
                      AND filter.filter_key IN ('categories', 'product_types', 'modes_of_delivery')), '[]')",
            ))
            .or(DefaultValue::EmptyList),
    ],
    order: &["display_order", "name"],
    public_rows: "item.is_active",
    parts: &["acted.filter_configuration_groups"],
    hooks: &GroupHooks,
    ..TableResource::BASE
};
