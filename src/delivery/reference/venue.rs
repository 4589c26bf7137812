//! A venue of ours in Administrate, within its location.

use administrate::{Id, NewVenue};

use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references as bridges;
use crate::delivery::{DeliveryError, DeliveryWorker, Notice};
use crate::names::fold;
use crate::outbox::OutboxItem;
use crate::tutorials::reference::store;

impl DeliveryWorker {
    pub(crate) async fn create_venue(&self, item: &OutboxItem, remarks: &mut Vec<Notice>) -> Result<(), DeliveryError> {
        let Some(ours) = store::venue(&mut *self.pool.acquire().await?, item.subject_id).await? else { return Ok(()) };
        let location = match ours.location_id {
            Some(id) => bridges::external_id(&mut *self.pool.acquire().await?, ReferenceKind::Location, id).await?,
            None => None,
        };
        let Some(location) = location.map(Id::new) else {
            return Err(DeliveryError::Invalid(format!(
                "the location of the venue \"{}\" is not linked to Administrate: create or link it, then \
                 `lectern outbox retry`",
                ours.name
            )));
        };
        let look = async {
            let there = self.client.venues().await?.into_iter();
            let here = there.filter(|one| one.location_id.as_ref() == Some(&location));
            Ok(here.filter(|one| fold(&one.name) == fold(&ours.name)).map(|one| one.id).collect())
        };
        let new = NewVenue { name: ours.name.clone(), location_id: location.clone(), description: None };
        let id = self.find_or_create(item, remarks, look, self.client.create_venue(&new)).await?;
        self.save_link(ReferenceKind::Venue, item, &id, Some(location.as_str())).await
    }
}
