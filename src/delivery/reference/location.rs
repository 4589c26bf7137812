//! A location of ours in Administrate.

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
        let Some(ours) = store::location(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let look = async {
            let there = self.client.locations().await?.into_iter();
            Ok(there.filter(|one| fold(&one.name) == fold(&ours.name)).map(|one| one.id).collect())
        };
        let code = Some(ours.code.clone()).filter(|code| !code.is_empty());
        let new = NewLocation { name: ours.name.clone(), code };
        let id = self.find_or_create(item, remarks, look, self.client.create_location(&new)).await?;
        self.save_link(ReferenceKind::Location, item, &id, None).await
    }
}
