//! Course templates, locations and venues.

use super::fields::{line, shown};
use crate::resources::{DefaultValue, DocumentFilter, FilterKind, ResourceField, TableResource, ValueKind};
use crate::tutorials::api::hooks::ReferenceHooks;

pub static COURSE_TEMPLATES: TableResource = TableResource {
    path: "/api/tutorials/course-templates",
    item_path: "/api/tutorials/course-templates/{id}",
    noun: "course template",
    table: "acted.tutorial_course_templates",
    fields: &[
        ResourceField::id(),
        line("code", 50),
        line("title", 255),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    order: &["code"],
    hooks: &ReferenceHooks { table: "acted.tutorial_course_templates" },
    ..TableResource::BASE
};

pub static LOCATIONS: TableResource = TableResource {
    path: "/api/tutorials/locations",
    item_path: "/api/tutorials/locations/{id}",
    noun: "location",
    table: "acted.tutorial_locations",
    fields: &[
        ResourceField::id(),
        line("name", 255),
        line("code", 50).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    order: &["name"],
    hooks: &ReferenceHooks { table: "acted.tutorial_locations" },
    ..TableResource::BASE
};

pub static VENUES: TableResource = TableResource {
    path: "/api/tutorials/venues",
    item_path: "/api/tutorials/venues/{id}",
    noun: "venue",
    table: "acted.tutorial_venues",
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
    order: &["name"],
    hooks: &ReferenceHooks { table: "acted.tutorial_venues" },
    ..TableResource::BASE
};
