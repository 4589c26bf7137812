//! Course templates, locations and venues: a deletion changes the events that refer to the row.

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use crate::bridges::deliverable::{linked_events_of, request_delivery};
use crate::error::Result;
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, WriteRequest};

/// Hooks of a table to which events refer.
pub struct ReferenceHooks {
    pub table: &'static str,
}

impl ResourceHooks for ReferenceHooks {
    fn before_deletion<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        document: &'a Value,
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(async move {
            deliver_events_of(db, self.table, document).await?;
            Ok(Deletion::Now)
        })
    }
}

/// Enqueues the delivery of the events that Administrate knows and that refer to a row.
pub(super) async fn deliver_events_of(db: &mut PgConnection, table: &str, document: &Value) -> Result<()> {
    let events = linked_events_of(db, table, document["id"].as_i64().unwrap_or_default()).await?;
    if events.is_empty() { Ok(()) } else { request_delivery(db, &events).await }
}
