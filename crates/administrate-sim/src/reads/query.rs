//! Fields of `Query` and `Mutation`: lists, `node`, custom-field templates and the groups of mutations.

use apollo_compiler::resolvers::FieldError;
use serde_json::Value;

use super::catalogue::WEBHOOK_TYPES;
use crate::ids;
use crate::tenant::{Number, Table, Tenant};
use crate::view::{Entity, FieldSelection, Output};

pub(super) fn list(tenant: &Tenant, field: &str) -> Option<Vec<Entity>> {
    fn all<T>(table: &Table<T>, entity: impl Fn(Number) -> Entity) -> Vec<Entity> {
        table.numbers().map(entity).collect()
    }
    Some(match field {
        "accounts" => all(&tenant.accounts, Entity::Account),
        "contacts" => all(&tenant.contacts, Entity::Contact),
        "courseTemplates" => all(&tenant.templates, Entity::Template),
        "currencies" => all(&tenant.currencies, Entity::Currency),
        "events" => tenant.events.keys().copied().map(Entity::Event).collect(),
        "locations" => all(&tenant.locations, Entity::Location),
        "priceLevels" => all(&tenant.price_levels, Entity::PriceLevel),
        "venues" => all(&tenant.venues, Entity::Venue),
        "webhooks" => all(&tenant.webhooks, Entity::Webhook),
        "webhookTypes" => (0..WEBHOOK_TYPES.len()).map(Entity::WebhookType).collect(),
        _ => return None,
    })
}

pub(super) fn field(tenant: &Tenant, selection: &FieldSelection<'_>) -> Result<Option<Output>, FieldError> {
    let text = |name: &str| selection.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(match selection.field {
        "node" => Some(node(tenant, text("id")).map_or(Output::NULL, Output::One)),
        "customFieldTemplate" => {
            let entity_type = text("type");
            let attached = tenant.custom_fields.iter().filter(|(_, row)| row.entity_types.contains(entity_type));
            let definitions = attached.map(|(number, _)| Entity::CustomField(number)).collect();
            Some(Output::record("CustomFieldTemplate", vec![("customFieldDefinitions", Output::Many(definitions))]))
        }
        _ => None,
    })
}

/// Returns the entity of a global id. Events and sessions share one prefix and one sequence of numbers.
fn node(tenant: &Tenant, id: &str) -> Option<Entity> {
    let (prefix, rest) = ids::split(id)?;
    if prefix == "WebhookType" {
        return WEBHOOK_TYPES.iter().position(|(name, _)| *name == rest).map(Entity::WebhookType);
    }
    let number: Number = rest.parse().ok()?;
    let (exists, entity) = match prefix.as_str() {
        "Course" if tenant.events.contains_key(&number) => (true, Entity::Event(number)),
        "Course" => (tenant.sessions.contains_key(&number), Entity::Session(number)),
        "CourseTemplate" => (tenant.templates.get(number).is_some(), Entity::Template(number)),
        "Location" => (tenant.locations.get(number).is_some(), Entity::Location(number)),
        "Venue" => (tenant.venues.get(number).is_some(), Entity::Venue(number)),
        "Person" => (tenant.contacts.get(number).is_some(), Entity::Contact(number)),
        "Organisation" => (tenant.accounts.get(number).is_some(), Entity::Account(number)),
        "TaxType" => (tenant.tax_types.get(number).is_some(), Entity::TaxType(number)),
        "PriceLevel" => (tenant.price_levels.get(number).is_some(), Entity::PriceLevel(number)),
        "CoursePrice" => (tenant.prices.get(number).is_some(), Entity::Price(number)),
        "Currency" => (tenant.currencies.get(number).is_some(), Entity::Currency(number)),
        "Learner" => (tenant.learners.get(number).is_some(), Entity::Learner(number)),
        "OutboundHook" => (tenant.webhooks.get(number).is_some(), Entity::Webhook(number)),
        _ => return None,
    };
    if exists { Some(entity) } else { None }
}

pub(super) fn mutation_group(field: &str) -> Option<Output> {
    Some(Output::One(match field {
        "event" => Entity::MutationGroup("EventMutations", "event"),
        "session" => Entity::MutationGroup("SessionMutations", "session"),
        "courseTemplate" => Entity::MutationGroup("CourseTemplateMutations", "courseTemplate"),
        "contact" => Entity::MutationGroup("ContactMutations", "contact"),
        "learner" => Entity::MutationGroup("LearnerMutations", "learner"),
        "webhooks" => Entity::MutationGroup("WebhookMutations", "webhooks"),
        "location" => Entity::MutationGroup("LocationMutations", "location"),
        "venue" => Entity::MutationGroup("VenueMutations", "venue"),
        _ => return None,
    }))
}
