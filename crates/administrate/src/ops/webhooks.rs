//! Asking to be told: registrations of webhooks.

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Created, Mutation, Written};
use crate::schema::dialect::TOLD_OF_EVENTS;
use crate::schema::document::Arg;

/// What Administrate can tell about events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookType {
    /// An event was created.
    EventCreated,
    /// An event was changed, also in its places.
    EventUpdated,
    /// An event was published.
    EventPublished,
    /// An event was called off.
    EventCancelled,
}

impl WebhookType {
    /// All of them.
    pub const ALL: [WebhookType; 4] =
        [Self::EventCreated, Self::EventUpdated, Self::EventPublished, Self::EventCancelled];

    /// The word in its id, e.g. `event_updated`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventCreated => "event_created",
            Self::EventUpdated => "event_updated",
            Self::EventPublished => "event_published",
            Self::EventCancelled => "event_cancelled",
        }
    }

    /// Base64 of `WebhookType:` and the name (U, of one of them).
    fn id(self) -> Id {
        Id::new(match self {
            Self::EventCreated => "V2ViaG9va1R5cGU6ZXZlbnRfY3JlYXRlZA==",
            Self::EventUpdated => "V2ViaG9va1R5cGU6ZXZlbnRfdXBkYXRlZA==",
            Self::EventPublished => "V2ViaG9va1R5cGU6ZXZlbnRfcHVibGlzaGVk",
            Self::EventCancelled => "V2ViaG9va1R5cGU6ZXZlbnRfY2FuY2VsbGVk",
        })
    }
}

/// A registration to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Of what is told.
    pub webhook_type: WebhookType,
    /// How the tenant's users see it called.
    pub name: String,
    /// Where the deliveries go: absolute, https.
    pub url: String,
}

impl Client {
    /// Registers a webhook that tells of an event what [`Client::events_by_ids`] reads of it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the API has no `webhooks.create`; otherwise as every mutation.
    pub async fn create_webhook(&self, webhook: &NewWebhook) -> Result<Created, Error> {
        let mut mutation = Mutation::new("webhooks.create", "webhook");
        mutation.input("webhookTypeId", Arg::id(&webhook.webhook_type.id()));
        mutation.input("name", Arg::Text(webhook.name.clone()));
        mutation.input("query", Arg::Text(TOLD_OF_EVENTS.to_owned()));
        mutation.input("url", Arg::Text(webhook.url.clone()));
        self.create(&mutation).await
    }

    /// Lets a registered webhook tell another address, and of an event what [`Client::events_by_ids`] reads of it today.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the API has no `webhooks.update`; otherwise as every mutation.
    pub async fn move_webhook(&self, webhook: &Id, url: &str) -> Result<Written, Error> {
        let mut mutation = Mutation::new("webhooks.update", "webhook");
        mutation.input("webhookId", Arg::id(webhook));
        mutation.input("query", Arg::Text(TOLD_OF_EVENTS.to_owned()));
        mutation.input("url", Arg::Text(url.to_owned()));
        self.write(&mutation).await
    }
}
