//! Course templates, locations and venues.

use super::fields::{line, shown};
use crate::resources::{DefaultValue, DocumentFilter, FilterKind, ResourceField, TableResource, ValueKind};
use crate::tutorials::api::hooks::ReferenceHooks;

/// When a row was created and changed, for pages.
pub(super) const CREATED: &[ResourceField] = &[ResourceField::time("created_at"), ResourceField::time("updated_at")];

pub static COURSE_TEMPLATES: TableResource = TableResource {
    path: "/api/tutorials/course-templates",
    item_path: "/api/tutorials/course-templates/{id}",
    noun: "course template",
    table: "acted.tutorial_course_templates",
    label: "concat_ws(' ', item.code, NULLIF(item.title, ''))",
    fields: &[
        ResourceField::id(),
        line("code", 50),
        line("title", 255),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    page_fields: CREATED,
    order: &["code"],
    hooks: &ReferenceHooks { table: "acted.tutorial_course_templates" },
    ..TableResource::BASE
};

pub static LOCATIONS: TableResource = TableResource {
    path: "/api/tutorials/locations",
    item_path: "/api/tutorials/locations/{id}",
    noun: "location",
    table: "acted.tutorial_locations",
    label: "item.name",
    fields: &[
        ResourceField::id(),
        line("name", 255),
        line("code", 50).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    page_fields: CREATED,
    order: &["name"],
    hooks: &ReferenceHooks { table: "acted.tutorial_locations" },
    ..TableResource::BASE
};

pub static VENUES: TableResource = TableResource {
    path: "/api/tutorials/venues",
    item_path: "/api/tutorials/venues/{id}",
    noun: "venue",
    table: "acted.tutorial_venues",
    label: "concat_ws(', ', item.name, location.name)",
    joins: "LEFT JOIN acted.tutorial_locations AS location ON location.id = item.location_id",
    fields: &[
        ResourceField::id(),
        line("name", 255),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
        ResourceField::reference("location_id", "acted.tutorial_locations").or(DefaultValue::Null),
        shown("location", "location.name"),
    ],
    filters: &[DocumentFilter::new(
        "location",
        FilterKind::Named {
            ids: "ARRAY[item.location_id]",
            names: "ARRAY[location.name::text, NULLIF(location.code, '')::text]",
        },
    )],
    page_fields: CREATED,
    order: &["name"],
    hooks: &ReferenceHooks { table: "acted.tutorial_venues" },
    ..TableResource::BASE
};
