//! Asks Administrate to report changes of events to this server.

use administrate::{Client, Id, NewWebhook, WebhookType};
use serde::Serialize;
use sqlx::PgPool;

use super::{delivery_url, store};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gateway::{AuditMode, connect};

/// A registration in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredWebhook {
    pub webhook_id: Id,
    #[serde(rename = "type")]
    pub webhook_type: &'static str,
}

/// What a registration of all types did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistrationReport {
    pub url: String,
    pub registered: Vec<RegisteredWebhook>,
    /// Registrations that had an earlier address of this server.
    pub moved: Vec<RegisteredWebhook>,
    /// Types that were registered at this address before.
    pub already: Vec<&'static str>,
}

/// Registers every type of webhook once, at the public address of this server.
///
/// # Errors
/// [`Error::Prerequisite`] without a public address; other errors when Administrate or the database fails.
pub async fn register_all(pool: &PgPool, config: &Config) -> Result<RegistrationReport> {
    let url = delivery_url(&config.public_url).ok_or_else(|| {
        Error::Prerequisite(
            "webhooks need the public address of this server: set LECTERN_PUBLIC_URL, e.g. https://lectern.example.org"
                .into(),
        )
    })?;
    let client = connect(config, pool, "webhooks register", AuditMode::On).await?;
    let mut report = RegistrationReport { url, registered: Vec::new(), moved: Vec::new(), already: Vec::new() };
    for kind in WebhookType::ALL {
        let webhook = |webhook_id| RegisteredWebhook { webhook_id, webhook_type: kind.name() };
        match register(pool, &client, kind, &report.url).await? {
            Registration::Created(id) => report.registered.push(webhook(id)),
            Registration::Moved(id) => report.moved.push(webhook(id)),
            Registration::Known => report.already.push(kind.name()),
        }
    }
    Ok(report)
}

/// The result of registering one type of webhook.
enum Registration {
    Created(Id),
    Moved(Id),
    Known,
}

/// Registers a type of webhook once.
///
/// A registration with an earlier address of this server is moved; one that Administrate no longer has is created again.
async fn register(pool: &PgPool, client: &Client, kind: WebhookType, url: &str) -> Result<Registration> {
    let registered = store::registered(pool).await?.into_iter().filter(|known| known.webhook_type == kind.name());
    let registered: Vec<_> = registered.collect();
    if registered.iter().any(|known| known.url == url) {
        return Ok(Registration::Known);
    }
    if let Some(earlier) = registered.into_iter().next() {
        let id = Id::new(earlier.webhook_id);
        match client.update_webhook(&id, url).await {
            Ok(_) => {
                store::register(pool, id.as_str(), kind.name(), url).await?;
                return Ok(Registration::Moved(id));
            }
            Err(administrate::Error::Refused { .. }) => store::unregister(pool, id.as_str()).await?,
            Err(administrate::Error::Unsupported { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = format!("Lectern: {}", kind.name().replace('_', " "));
    let created = client.create_webhook(&NewWebhook { webhook_type: kind, name, url: url.to_owned() }).await?;
    store::register(pool, created.id.as_str(), kind.name(), url).await?;
    Ok(Registration::Created(created.id))
}
