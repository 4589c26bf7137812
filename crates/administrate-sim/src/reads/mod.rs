//! What the fields of each type are: one file per corner of the schema.
//!
//! A row that a number points to and that is not there reads as null in every field, as after a deletion within a document.

mod catalogue;
mod course;
mod filter;
mod page;
mod people;
mod places;
mod query;

use apollo_compiler::resolvers::FieldError;
use serde_json::{Value, json};

pub(crate) use catalogue::WEBHOOK_TYPES;

use crate::ids;
use crate::reads::filter::Attribute;
use crate::tenant::{FieldValues, Number, Tenant};
use crate::view::{Ask, Entity, Part, Record, World};

/// The value of an entity's field; `None` when the type has no such field.
pub(crate) fn field(world: &World<'_>, entity: Entity, ask: &Ask<'_>) -> Result<Option<Part>, FieldError> {
    if let Some(rows) = nested(&world.tenant.borrow(), entity, ask.field) {
        return page::connection(world, rows, ask).map(Some);
    }
    let tenant = world.tenant.borrow();
    Ok(match entity {
        Entity::Query => return query::field(&tenant, ask),
        Entity::Mutation => query::verbs(ask.field),
        Entity::Verbs(..) => None,
        Entity::Location(number) => places::location(&tenant, number, ask.field),
        Entity::Venue(number) => places::venue(&tenant, number, ask.field),
        Entity::Region(number) => places::region(&tenant, number, ask.field),
        Entity::Account(number) => people::account(&tenant, number, ask.field),
        Entity::Contact(number) => people::contact(&tenant, number, ask.field),
        Entity::EventStaff(number) | Entity::SessionStaff(number) => people::staff(&tenant, number, ask.field),
        Entity::StaffRole(number) => people::staff_role(number, ask.field),
        Entity::Learner(number) => people::learner(&tenant, number, ask.field),
        Entity::Category(number) => catalogue::category(&tenant, number, ask.field),
        Entity::Currency(number) => catalogue::currency(&tenant, number, ask.field),
        Entity::CustomField(number) => catalogue::custom_field(&tenant, number, ask.field),
        Entity::Price(number) => catalogue::price(&tenant, number, ask.field),
        Entity::PriceLevel(number) => catalogue::price_level(&tenant, number, ask.field),
        Entity::TaxType(number) => catalogue::tax_type(&tenant, number, ask.field),
        Entity::Template(number) => catalogue::template(&tenant, number, ask.field),
        Entity::Webhook(number) => catalogue::webhook(&tenant, number, ask.field),
        Entity::WebhookType(index) => catalogue::webhook_type(index, ask.field),
        Entity::Event(number) => course::event(&tenant, number, ask.field),
        Entity::Session(number) => course::session(&tenant, number, ask.field),
    })
}

/// The rows of a connection field, unfiltered; `None` when the field is none.
fn nested(tenant: &Tenant, entity: Entity, field: &str) -> Option<Vec<Entity>> {
    match entity {
        Entity::Query => query::list(tenant, field),
        Entity::Template(number) => catalogue::template_list(tenant, number, field),
        Entity::Event(number) => course::event_list(tenant, number, field),
        Entity::Session(number) => course::session_list(tenant, number, field),
        _ => None,
    }
}

/// What a filter or an order compares; `None` for fields that the simulator knows by name only.
pub(crate) fn attribute(tenant: &Tenant, entity: Entity, field: &str) -> Option<Attribute> {
    match entity {
        Entity::Location(number) => places::location_attribute(tenant, number, field),
        Entity::Venue(number) => places::venue_attribute(tenant, number, field),
        Entity::Account(number) => people::account_attribute(tenant, number, field),
        Entity::Contact(number) => people::contact_attribute(tenant, number, field),
        Entity::Learner(number) => people::learner_attribute(tenant, number, field),
        Entity::Currency(number) => catalogue::currency_attribute(tenant, number, field),
        Entity::PriceLevel(number) => catalogue::price_level_attribute(tenant, number, field),
        Entity::Template(number) => catalogue::template_attribute(tenant, number, field),
        Entity::WebhookType(index) => catalogue::webhook_type_attribute(index, field),
        Entity::Event(number) => course::event_attribute(tenant, number, field),
        Entity::Session(number) => course::session_attribute(tenant, number, field),
        _ => None,
    }
}

/// The number by which rows stand when no order is asked for.
pub(crate) fn position(entity: Entity) -> Number {
    match entity {
        Entity::Account(number)
        | Entity::Category(number)
        | Entity::Contact(number)
        | Entity::Currency(number)
        | Entity::CustomField(number)
        | Entity::Event(number)
        | Entity::EventStaff(number)
        | Entity::Learner(number)
        | Entity::Location(number)
        | Entity::Price(number)
        | Entity::PriceLevel(number)
        | Entity::Region(number)
        | Entity::Session(number)
        | Entity::SessionStaff(number)
        | Entity::StaffRole(number)
        | Entity::TaxType(number)
        | Entity::Template(number)
        | Entity::Venue(number)
        | Entity::Webhook(number) => number,
        Entity::WebhookType(index) => index as Number,
        Entity::Query | Entity::Mutation | Entity::Verbs(..) => 0,
    }
}

/// `id` and `legacyId`, which most types have.
fn identity(prefix: &str, number: Number, field: &str) -> Option<Part> {
    match field {
        "id" => Some(Part::leaf(ids::encode(prefix, number))),
        "legacyId" => Some(Part::leaf(number.to_string())),
        _ => None,
    }
}

fn identity_attribute(prefix: &str, number: Number, field: &str) -> Option<Attribute> {
    let ordered = || Attribute::Id { id: ids::encode(prefix, number), number };
    if field == "id" { Some(ordered()) } else { None }
}

fn linked_attribute(prefix: &str, number: Option<Number>) -> Option<Attribute> {
    Some(match number {
        Some(number) => Attribute::Id { id: ids::encode(prefix, number), number },
        None => Attribute::Text(None),
    })
}

/// An enum value as it is spelled on the wire.
fn word(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn custom_values(tenant: &Tenant, values: &FieldValues) -> Part {
    let known = values.iter().filter_map(|(number, value)| {
        let definition = tenant.custom_fields.get(*number)?;
        let key = ids::encode("CustomFieldDefinition", *number);
        Some(Record::new(
            "CustomFieldValue",
            vec![
                ("definitionKey", Part::leaf(key)),
                ("definitionLocator", Part::leaf(locator(&definition.label))),
                ("value", Part::Leaf(json!(value))),
                ("definition", Part::One(Entity::CustomField(*number))),
            ],
        ))
    });
    Part::Records(known.collect())
}

/// What the locator looks like is not known; a label in lower case with underscores serves.
fn locator(label: &str) -> String {
    label.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_")
}
