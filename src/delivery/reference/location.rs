//! Creates a location.

use administrate::NewLocation;

use crate::bridges::reference::ReferenceKind;
use crate::delivery::{DeliveryError, DeliveryWorker, Notice};
use crate::names::fold;
use crate::outbox::OutboxItem;
use crate::tutorials::reference::store;

impl DeliveryWorker {
    pub(crate) async fn create_location(
        &self,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
    ) -> Result<(), DeliveryError> {
        let Some(local) = store::location(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let look = async {
            let locations = self.client.locations().await?.into_iter();
            Ok(locations.filter(|one| fold(&one.name) == fold(&local.name)).map(|one| one.id).collect())
        };
        let code = Some(local.code.clone()).filter(|code| !code.is_empty());
        let new = NewLocation { name: local.name.clone(), code };
        let id = self.find_or_create(item, remarks, look, self.client.create_location(&new)).await?;
        self.save_link(ReferenceKind::Location, item, &id, None).await
    }
}
