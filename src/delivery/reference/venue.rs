//! Creates a venue in its location.

use administrate::{Id, NewVenue};

use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references as bridges;
use crate::delivery::{DeliveryError, DeliveryWorker, Notice};
use crate::names::fold;
use crate::outbox::OutboxItem;
use crate::tutorials::reference::store;

impl DeliveryWorker {
    pub(crate) async fn create_venue(&self, item: &OutboxItem, remarks: &mut Vec<Notice>) -> Result<(), DeliveryError> {
        let Some(local) = store::venue(&mut *self.pool.acquire().await?, item.subject_id).await? else { return Ok(()) };
        let location = match local.location_id {
            Some(id) => bridges::external_id(&mut *self.pool.acquire().await?, ReferenceKind::Location, id).await?,
            None => None,
        };
        let Some(location) = location.map(Id::new) else {
            return Err(DeliveryError::Invalid(format!(
                "the location of the venue \"{}\" is not linked to Administrate: create or link it, then \
                 `lectern outbox retry`",
                local.name
            )));
        };
        let look = async {
            let venues = self.client.venues().await?.into_iter();
            let in_location = venues.filter(|one| one.location_id.as_ref() == Some(&location));
            Ok(in_location.filter(|one| fold(&one.name) == fold(&local.name)).map(|one| one.id).collect())
        };
        let new = NewVenue { name: local.name.clone(), location_id: location.clone(), description: None };
        let id = self.find_or_create(item, remarks, look, self.client.create_venue(&new)).await?;
        self.save_link(ReferenceKind::Venue, item, &id, Some(location.as_str())).await
    }
}
