//! Mutations of webhook registrations. The simulator stores them and sends no webhooks.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, MutationResult, Outcome, PayloadError, read};
use crate::ids;
use crate::reads::WEBHOOK_TYPES;
use crate::tenant::{Tenant, Webhook};
use crate::view::Entity;

#[derive(Deserialize)]
struct Arguments {
    input: WebhookInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookInput {
    webhook_id: Option<String>,
    webhook_type_id: Option<String>,
    name: Option<String>,
    query: Option<String>,
    url: Option<String>,
    config: Option<String>,
    notification_emails: Option<Vec<String>>,
    email_address: Option<String>,
    filter_expression: Option<String>,
}

pub(super) fn create(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Arguments { input } = read(arguments)?;
    let id = input.webhook_type_id.clone().unwrap_or_default();
    let word = ids::split(&id).filter(|(prefix, _)| prefix == "WebhookType").map(|(_, word)| word);
    let known_type = word.filter(|word| WEBHOOK_TYPES.iter().any(|(name, _)| name == word));
    let Some(webhook_type) = known_type else {
        return Err(vec![PayloadError::new("webhookTypeId", "The Webhook Type does not exist", Some(&id))]);
    };
    let webhook = apply_input(Webhook { webhook_type, ..Webhook::default() }, input)?;
    let number = tenant.webhooks.add(webhook);
    Ok(Outcome::with_object("webhook", Entity::Webhook(number)))
}

pub(super) fn update(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Arguments { input } = read(arguments)?;
    let id = input.webhook_id.clone().unwrap_or_default();
    let number = ids::decode("OutboundHook", &id);
    let Some((number, old)) = number.and_then(|number| Some((number, tenant.webhooks.get(number)?.clone()))) else {
        return Err(vec![PayloadError::new("webhookId", "The Webhook does not exist", Some(&id))]);
    };
    let webhook = apply_input(old, input)?;
    if let Some(row) = tenant.webhooks.get_mut(number) {
        *row = webhook;
    }
    Ok(Outcome::with_object("webhook", Entity::Webhook(number)))
}

fn apply_input(old: Webhook, input: WebhookInput) -> Result<Webhook, Vec<PayloadError>> {
    let mut check = Check::default();
    let config = input.config.or(old.config);
    if let Some(text) = config.as_deref().filter(|text| serde_json::from_str::<Value>(text).is_err()) {
        check.add_error("config", "Config is not JSON", Some(text));
    }
    check.finish()?;
    Ok(Webhook {
        webhook_type: old.webhook_type,
        name: input.name.unwrap_or(old.name),
        query: input.query.unwrap_or(old.query),
        url: input.url.unwrap_or(old.url),
        config,
        notification_emails: input
            .notification_emails
            .or(input.email_address.map(|address| vec![address]))
            .unwrap_or(old.notification_emails),
        filter_expression: input.filter_expression.or(old.filter_expression),
    })
}
