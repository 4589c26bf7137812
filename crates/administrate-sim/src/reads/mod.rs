//! Reading of fields: the value of each field of each type, one file per area of the schema.
//!
//! A number without a row reads as null in every field, for example after a deletion in the same document.

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
use crate::tenant::{CustomFieldValues, Number, Tenant};
use crate::view::{Entity, FieldSelection, Output, Record, View};

/// Returns the value of an entity's field, or `None` if the type has no such field.
pub(crate) fn field(
    view: &View<'_>,
    entity: Entity,
    selection: &FieldSelection<'_>,
) -> Result<Option<Output>, FieldError> {
    if let Some(rows) = connection_rows(&view.tenant.borrow(), entity, selection.field) {
        return page::select_page(view, rows, selection).map(Some);
    }
    let tenant = view.tenant.borrow();
    Ok(match entity {
        Entity::Query => return query::field(&tenant, selection),
        Entity::Mutation => query::mutation_group(selection.field),
        Entity::MutationGroup(..) => None,
        Entity::Location(number) => places::location(&tenant, number, selection.field),
        Entity::Venue(number) => places::venue(&tenant, number, selection.field),
        Entity::Region(number) => places::region(&tenant, number, selection.field),
        Entity::Account(number) => people::account(&tenant, number, selection.field),
        Entity::Contact(number) => people::contact(&tenant, number, selection.field),
        Entity::EventStaff(number) | Entity::SessionStaff(number) => people::staff(&tenant, number, selection.field),
        Entity::StaffRole(number) => people::staff_role(number, selection.field),
        Entity::Learner(number) => people::learner(&tenant, number, selection.field),
        Entity::Category(number) => catalogue::category(&tenant, number, selection.field),
        Entity::Currency(number) => catalogue::currency(&tenant, number, selection.field),
        Entity::CustomField(number) => catalogue::custom_field(&tenant, number, selection.field),
        Entity::Price(number) => catalogue::price(&tenant, number, selection.field),
        Entity::PriceLevel(number) => catalogue::price_level(&tenant, number, selection.field),
        Entity::TaxType(number) => catalogue::tax_type(&tenant, number, selection.field),
        Entity::Template(number) => catalogue::template(&tenant, number, selection.field),
        Entity::Webhook(number) => catalogue::webhook(&tenant, number, selection.field),
        Entity::WebhookType(index) => catalogue::webhook_type(index, selection.field),
        Entity::Event(number) => course::event(&tenant, number, selection.field),
        Entity::Session(number) => course::session(&tenant, number, selection.field),
    })
}

/// Returns the unfiltered rows of a connection field, or `None` if the field is not a connection.
fn connection_rows(tenant: &Tenant, entity: Entity, field: &str) -> Option<Vec<Entity>> {
    match entity {
        Entity::Query => query::list(tenant, field),
        Entity::Template(number) => catalogue::template_list(tenant, number, field),
        Entity::Event(number) => course::event_list(tenant, number, field),
        Entity::Session(number) => course::session_list(tenant, number, field),
        _ => None,
    }
}

/// Returns the attribute that a filter or an order compares, or `None` if the simulator does not support the field.
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

/// Returns the number that rows are sorted by without an order.
pub(crate) fn sort_number(entity: Entity) -> Number {
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
        Entity::Query | Entity::Mutation | Entity::MutationGroup(..) => 0,
    }
}

/// Reads `id` and `legacyId`, which most types have.
fn id_field(prefix: &str, number: Number, field: &str) -> Option<Output> {
    match field {
        "id" => Some(Output::leaf(ids::encode(prefix, number))),
        "legacyId" => Some(Output::leaf(number.to_string())),
        _ => None,
    }
}

fn id_attribute(prefix: &str, number: Number, field: &str) -> Option<Attribute> {
    let id = || Attribute::Id { id: ids::encode(prefix, number), number };
    if field == "id" { Some(id()) } else { None }
}

fn linked_attribute(prefix: &str, number: Option<Number>) -> Option<Attribute> {
    Some(match number {
        Some(number) => Attribute::Id { id: ids::encode(prefix, number), number },
        None => Attribute::Text(None),
    })
}

/// Returns the GraphQL name of an enum value.
fn enum_value(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn custom_values(tenant: &Tenant, values: &CustomFieldValues) -> Output {
    let records = values.iter().filter_map(|(number, value)| {
        let definition = tenant.custom_fields.get(*number)?;
        let key = ids::encode("CustomFieldDefinition", *number);
        Some(Record::new(
            "CustomFieldValue",
            vec![
                ("definitionKey", Output::leaf(key)),
                ("definitionLocator", Output::leaf(locator(&definition.label))),
                ("value", Output::Leaf(json!(value))),
                ("definition", Output::One(Entity::CustomField(*number))),
            ],
        ))
    });
    Output::Records(records.collect())
}

/// Returns the locator of a custom field. Its real format is unknown; this uses the label in lower case with
/// underscores.
fn locator(label: &str) -> String {
    label.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_")
}
