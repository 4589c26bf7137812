//! Course templates, prices, custom-field definitions, webhooks.

use serde_json::json;

use super::{custom_values, identity, identity_attribute, word};
use crate::ids;
use crate::reads::filter::Attribute;
use crate::tenant::{Number, Priced, Tenant};
use crate::view::{Entity, Part, Record};

/// Triggers that webhooks can be registered for: the word of the id, and the name (facts §1.12).
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

pub(super) fn category(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    match field {
        "name" => Some(Part::leaf(tenant.categories.get(number).map(|row| row.name.clone()))),
        _ => identity("LearningCategory", number, field),
    }
}

pub(super) fn tax_type(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    match field {
        "name" => Some(Part::leaf(tenant.tax_types.get(number).map(|row| row.name.clone()))),
        _ => identity("TaxType", number, field),
    }
}

pub(super) fn currency(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.currencies.get(number);
    Some(match field {
        "name" => Part::leaf(row.map(|row| row.name.clone())),
        "code" => Part::leaf(row.map(|row| row.code.clone())),
        "symbol" => Part::leaf(row.map(|row| row.symbol.clone())),
        "isActive" => Part::leaf(row.map(|row| row.is_active)),
        _ => return identity("Currency", number, field),
    })
}

pub(super) fn currency_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.currencies.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "code" => Some(Attribute::Text(Some(row.code.clone()))),
        "isActive" => Some(Attribute::Truth(row.is_active)),
        _ => identity_attribute("Currency", number, field),
    }
}

pub(super) fn price_level(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.price_levels.get(number);
    Some(match field {
        "name" => Part::leaf(row.map(|row| row.name.clone())),
        "description" => Part::leaf(row.and_then(|row| row.description.clone())),
        _ => return identity("PriceLevel", number, field),
    })
}

pub(super) fn price_level_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.price_levels.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "description" => Some(Attribute::Text(row.description.clone())),
        _ => identity_attribute("PriceLevel", number, field),
    }
}

pub(super) fn price(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.prices.get(number);
    Some(match field {
        "amount" => Part::leaf(row.map(|row| row.amount.clone())),
        "priceLevel" => Part::link(row.map(|row| row.level), Entity::PriceLevel),
        "financialUnit" => Part::link(row.map(|row| row.currency), Entity::Currency),
        "region" => Part::link(row.and_then(|row| row.region), Entity::Region),
        _ => return identity("CoursePrice", number, field),
    })
}

pub(super) fn custom_field(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.custom_fields.get(number)?;
    Some(match field {
        "key" => Part::leaf(ids::encode("CustomFieldDefinition", number)),
        "label" => Part::leaf(row.label.clone()),
        "description" => Part::leaf(row.description.clone()),
        "type" => Part::Leaf(word(row.kind)),
        "isRequired" => Part::leaf(row.is_required),
        "roles" => Part::Leaf(json!(row.roles)),
        "options" => {
            let option = |value: &String| Record::new("CustomFieldOption", vec![("value", Part::Leaf(json!(value)))]);
            Part::Records(row.options.iter().map(option).collect())
        }
        _ => return None,
    })
}

pub(super) fn template(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let Some(row) = tenant.templates.get(number) else {
        return identity("CourseTemplate", number, field).or(Some(Part::NULL));
    };
    Some(match field {
        "code" | "shortCode" => Part::leaf(row.code.clone()),
        "title" => Part::leaf(row.title.clone()),
        "introduction" | "createdAt" | "updatedAt" => Part::NULL,
        "eventLearningMode" => Part::Leaf(word(row.learning_mode)),
        "lifecycleState" => Part::Leaf(word(row.state)),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        _ => return identity("CourseTemplate", number, field),
    })
}

pub(super) fn template_list(tenant: &Tenant, number: Number, field: &str) -> Option<Vec<Entity>> {
    let row = tenant.templates.get(number)?;
    Some(match field {
        "learningCategories" => row.categories.iter().copied().map(Entity::Category).collect(),
        "approvedInstructors" => row.approved_instructors.iter().copied().map(Entity::Contact).collect(),
        "publicPrices" => prices_of(tenant, Priced::Template(number)),
        "events" => {
            let made = tenant.events.iter().filter(|(_, event)| event.template == Some(number));
            made.map(|(number, _)| Entity::Event(*number)).collect()
        }
        _ => return None,
    })
}

/// Prices of a template or an event.
pub(super) fn prices_of(tenant: &Tenant, of: Priced) -> Vec<Entity> {
    let own = tenant.prices.iter().filter(|(_, price)| price.of == of);
    own.map(|(number, _)| Entity::Price(number)).collect()
}

pub(super) fn template_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.templates.get(number)?;
    let text = |text: &str| Some(Attribute::Text(Some(text.to_owned())));
    match field {
        "code" => text(&row.code),
        "name" | "title" => text(&row.title),
        "codeOrTitle" => text(&format!("{} {}", row.code, row.title)),
        "lifecycleState" => text(word(row.state).as_str()?),
        "learningCategoryId" => {
            let id = |number: &Number| ids::encode("LearningCategory", *number);
            Some(Attribute::Several(row.categories.iter().map(id).collect()))
        }
        "withNoEvents" => {
            let used = tenant.events.values().any(|event| event.template == Some(number));
            Some(Attribute::Truth(!used))
        }
        _ => identity_attribute("CourseTemplate", number, field),
    }
}

pub(super) fn webhook(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.webhooks.get(number)?;
    let of_type = WEBHOOK_TYPES.iter().position(|(name, _)| *name == row.webhook_type);
    Some(match field {
        "name" => Part::leaf(row.name.clone()),
        "url" => Part::leaf(row.url.clone()),
        "query" => Part::leaf(row.query.clone()),
        "config" => Part::leaf(row.config.clone()),
        "notificationEmails" => Part::Leaf(json!(row.notification_emails)),
        "filterExpression" => Part::leaf(row.filter_expression.clone()),
        "lifecycleState" => Part::leaf("active"),
        "webhookType" => of_type.map_or(Part::NULL, |index| Part::One(Entity::WebhookType(index))),
        _ => return identity("OutboundHook", number, field),
    })
}

pub(super) fn webhook_type(index: usize, field: &str) -> Option<Part> {
    let (id, name) = WEBHOOK_TYPES.get(index)?;
    Some(match field {
        "id" => Part::leaf(ids::encode_word("WebhookType", id)),
        "name" => Part::leaf(*name),
        "description" => Part::leaf(format!("Sent for: {name}")),
        "trigger" => Part::leaf("automatic"),
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
