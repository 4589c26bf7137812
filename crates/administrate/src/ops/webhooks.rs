//! Registration of webhooks.

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{CreatedRecord, Mutation, UpdateResult};
use crate::schema::dialect::EVENT_WEBHOOK_QUERY;
use crate::schema::document::Arg;

/// A kind of event change that Administrate reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookType {
    /// An event was created.
    EventCreated,
    /// An event was changed, including its places.
    EventUpdated,
    /// An event was published.
    EventPublished,
    /// An event was cancelled.
    EventCancelled,
}

impl WebhookType {
    /// All types.
    pub const ALL: [WebhookType; 4] =
        [Self::EventCreated, Self::EventUpdated, Self::EventPublished, Self::EventCancelled];

    /// Returns the word in its id, e.g. `event_updated`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventCreated => "event_created",
            Self::EventUpdated => "event_updated",
            Self::EventPublished => "event_published",
            Self::EventCancelled => "event_cancelled",
        }
    }

    /// Returns its global id: base64 of `WebhookType:` and the name, as observed for one of them.
    fn id(self) -> Id {
        Id::new(match self {
            Self::EventCreated => "V2ViaG9va1R5cGU6ZXZlbnRfY3JlYXRlZA==",
            Self::EventUpdated => "V2ViaG9va1R5cGU6ZXZlbnRfdXBkYXRlZA==",
            Self::EventPublished => "V2ViaG9va1R5cGU6ZXZlbnRfcHVibGlzaGVk",
            Self::EventCancelled => "V2ViaG9va1R5cGU6ZXZlbnRfY2FuY2VsbGVk",
        })
    }
}

/// A webhook to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// What it reports.
    pub webhook_type: WebhookType,
    /// Its name, as shown to the tenant's users.
    pub name: String,
    /// Target of the deliveries: an absolute https URL.
    pub url: String,
}

impl Client {
    /// Registers a webhook whose payload has the fields that [`Client::events_by_ids`] reads.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the API has no `webhooks.create`; otherwise as every mutation.
    pub async fn create_webhook(&self, webhook: &NewWebhook) -> Result<CreatedRecord, Error> {
        let mut mutation = Mutation::new("webhooks.create", "webhook");
        mutation.input("webhookTypeId", Arg::id(&webhook.webhook_type.id()));
        mutation.input("name", Arg::Text(webhook.name.clone()));
        mutation.input("query", Arg::Text(EVENT_WEBHOOK_QUERY.to_owned()));
        mutation.input("url", Arg::Text(webhook.url.clone()));
        self.create(&mutation).await
    }

    /// Changes the URL of a webhook, and its payload to the fields that [`Client::events_by_ids`] reads.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the API has no `webhooks.update`; otherwise as every mutation.
    pub async fn update_webhook(&self, webhook: &Id, url: &str) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("webhooks.update", "webhook");
        mutation.input("webhookId", Arg::id(webhook));
        mutation.input("query", Arg::Text(EVENT_WEBHOOK_QUERY.to_owned()));
        mutation.input("url", Arg::Text(url.to_owned()));
        self.write(&mutation).await
    }
}
