//! Approved instructors by course template, as Administrate last reported them.

use std::collections::HashMap;
use std::time::Duration;

use administrate::Id;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a response is reused for other events of the same course template.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The approved instructors of each course template with the time at which they were read.
#[derive(Debug, Default)]
pub(super) struct ApprovalCache(Mutex<HashMap<Id, (Instant, Vec<Id>)>>);

impl ApprovalCache {
    /// Returns the instructors who are approved for `template`, reading them with `fetch` when they are not cached.
    ///
    /// One request at a time: other callers wait for it and reuse its response.
    pub(super) async fn get_or_fetch<E>(
        &self,
        template: &Id,
        fetch: impl Future<Output = Result<Vec<Id>, E>> + Send,
    ) -> Result<Vec<Id>, E> {
        let mut cached = self.0.lock().await;
        if let Some((_, approved)) = cached.get(template).filter(|(read_at, _)| read_at.elapsed() < MAX_AGE) {
            return Ok(approved.clone());
        }
        let approved = fetch.await?;
        cached.insert(template.clone(), (Instant::now(), approved.clone()));
        Ok(approved)
    }

    /// Removes the response for one course template, so that the next attempt reads it again.
    pub(super) async fn forget(&self, template: &Id) {
        self.0.lock().await.remove(template);
    }
}
