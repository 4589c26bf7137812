//! Course templates, prices, custom-field definitions, webhooks.

use serde_json::json;

use super::{custom_values, enum_value, id_attribute, id_field};
use crate::ids;
use crate::reads::filter::Attribute;
use crate::tenant::{Number, PriceOwner, Tenant};
use crate::view::{Entity, Output, Record};

/// Triggers that webhooks can be registered for: the word in the id, and the name.
pub(crate) const WEBHOOK_TYPES: [(&str, &str); 10] = [
    ("event_created", "Event Created"),
    ("event_updated", "Event Updated"),
    ("event_published", "Event Published"),
    ("event_cancelled", "Event Cancelled"),
    ("event_deleted", "Event Deleted"),
    ("session_created", "Session Created"),
    ("session_updated", "Session Updated"),
    ("session_deleted", "Session Deleted"),
    ("learner_created", "Learner Created"),
    ("learner_cancelled", "Learner Cancelled"),
];

pub(super) fn category(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    match field {
        "name" => Some(Output::leaf(tenant.categories.get(number).map(|row| row.name.clone()))),
        _ => id_field("LearningCategory", number, field),
    }
}

pub(super) fn tax_type(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    match field {
        "name" => Some(Output::leaf(tenant.tax_types.get(number).map(|row| row.name.clone()))),
        _ => id_field("TaxType", number, field),
    }
}

pub(super) fn currency(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.currencies.get(number);
    Some(match field {
        "name" => Output::leaf(row.map(|row| row.name.clone())),
        "code" => Output::leaf(row.map(|row| row.code.clone())),
        "symbol" => Output::leaf(row.map(|row| row.symbol.clone())),
        "isActive" => Output::leaf(row.map(|row| row.is_active)),
        _ => return id_field("Currency", number, field),
    })
}

pub(super) fn currency_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.currencies.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "code" => Some(Attribute::Text(Some(row.code.clone()))),
        "isActive" => Some(Attribute::Bool(row.is_active)),
        _ => id_attribute("Currency", number, field),
    }
}

pub(super) fn price_level(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.price_levels.get(number);
    Some(match field {
        "name" => Output::leaf(row.map(|row| row.name.clone())),
        "description" => Output::leaf(row.and_then(|row| row.description.clone())),
        _ => return id_field("PriceLevel", number, field),
    })
}

pub(super) fn price_level_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.price_levels.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "description" => Some(Attribute::Text(row.description.clone())),
        _ => id_attribute("PriceLevel", number, field),
    }
}

pub(super) fn price(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.prices.get(number);
    Some(match field {
        "amount" => Output::leaf(row.map(|row| row.amount.clone())),
        "priceLevel" => Output::link(row.map(|row| row.level), Entity::PriceLevel),
        "financialUnit" => Output::link(row.map(|row| row.currency), Entity::Currency),
        "region" => Output::link(row.and_then(|row| row.region), Entity::Region),
        _ => return id_field("CoursePrice", number, field),
    })
}

pub(super) fn custom_field(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.custom_fields.get(number)?;
    Some(match field {
        "key" => Output::leaf(ids::encode("CustomFieldDefinition", number)),
        "label" => Output::leaf(row.label.clone()),
        "description" => Output::leaf(row.description.clone()),
        "type" => Output::Leaf(enum_value(row.kind)),
        "isRequired" => Output::leaf(row.is_required),
        "roles" => Output::Leaf(json!(row.roles)),
        "options" => {
            let option = |value: &String| Record::new("CustomFieldOption", vec![("value", Output::Leaf(json!(value)))]);
            Output::Records(row.options.iter().map(option).collect())
        }
        _ => return None,
    })
}

pub(super) fn template(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let Some(row) = tenant.templates.get(number) else {
        return id_field("CourseTemplate", number, field).or(Some(Output::NULL));
    };
    Some(match field {
        "code" | "shortCode" => Output::leaf(row.code.clone()),
        "title" => Output::leaf(row.title.clone()),
        "introduction" | "createdAt" | "updatedAt" => Output::NULL,
        "eventLearningMode" => Output::Leaf(enum_value(row.learning_mode)),
        "lifecycleState" => Output::Leaf(enum_value(row.state)),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        _ => return id_field("CourseTemplate", number, field),
    })
}

pub(super) fn template_list(tenant: &Tenant, number: Number, field: &str) -> Option<Vec<Entity>> {
    let row = tenant.templates.get(number)?;
    Some(match field {
        "learningCategories" => row.categories.iter().copied().map(Entity::Category).collect(),
        "approvedInstructors" => row.approved_instructors.iter().copied().map(Entity::Contact).collect(),
        "publicPrices" => prices_of(tenant, PriceOwner::Template(number)),
        "events" => {
            let events = tenant.events.iter().filter(|(_, event)| event.template == Some(number));
            events.map(|(number, _)| Entity::Event(*number)).collect()
        }
        _ => return None,
    })
}

/// Returns the prices of a template or an event.
pub(super) fn prices_of(tenant: &Tenant, owner: PriceOwner) -> Vec<Entity> {
    let prices = tenant.prices.iter().filter(|(_, price)| price.owner == owner);
    prices.map(|(number, _)| Entity::Price(number)).collect()
}

pub(super) fn template_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.templates.get(number)?;
    let text = |text: &str| Some(Attribute::Text(Some(text.to_owned())));
    match field {
        "code" => text(&row.code),
        "name" | "title" => text(&row.title),
        "codeOrTitle" => text(&format!("{} {}", row.code, row.title)),
        "lifecycleState" => text(enum_value(row.state).as_str()?),
        "learningCategoryId" => {
            let id = |number: &Number| ids::encode("LearningCategory", *number);
            Some(Attribute::List(row.categories.iter().map(id).collect()))
        }
        "withNoEvents" => {
            let is_used = tenant.events.values().any(|event| event.template == Some(number));
            Some(Attribute::Bool(!is_used))
        }
        _ => id_attribute("CourseTemplate", number, field),
    }
}

pub(super) fn webhook(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.webhooks.get(number)?;
    let of_type = WEBHOOK_TYPES.iter().position(|(name, _)| *name == row.webhook_type);
    Some(match field {
        "name" => Output::leaf(row.name.clone()),
        "url" => Output::leaf(row.url.clone()),
        "query" => Output::leaf(row.query.clone()),
        "config" => Output::leaf(row.config.clone()),
        "notificationEmails" => Output::Leaf(json!(row.notification_emails)),
        "filterExpression" => Output::leaf(row.filter_expression.clone()),
        "lifecycleState" => Output::leaf("active"),
        "webhookType" => of_type.map_or(Output::NULL, |index| Output::One(Entity::WebhookType(index))),
        _ => return id_field("OutboundHook", number, field),
    })
}

pub(super) fn webhook_type(index: usize, field: &str) -> Option<Output> {
    let (id, name) = WEBHOOK_TYPES.get(index)?;
    Some(match field {
        "id" => Output::leaf(ids::encode_word("WebhookType", id)),
        "name" => Output::leaf(*name),
        "description" => Output::leaf(format!("Sent for: {name}")),
        "trigger" => Output::leaf("automatic"),
        _ => return None,
    })
}

pub(super) fn webhook_type_attribute(index: usize, field: &str) -> Option<Attribute> {
    let (id, name) = WEBHOOK_TYPES.get(index)?;
    let text = |text: String| Some(Attribute::Text(Some(text)));
    match field {
        "id" => text(ids::encode_word("WebhookType", id)),
        "name" => text((*name).to_owned()),
        "trigger" => text("automatic".to_owned()),
        _ => None,
    }
}
