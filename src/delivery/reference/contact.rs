//! An instructor of ours as a contact that teaches, in the account that the settings name.

use administrate::{Contact, Id, NewContact};

use super::NO_ACCOUNT;
use crate::bridges::reference::ReferenceKind;
use crate::delivery::{DeliveryError, DeliveryWorker, Notice};
use crate::names::fold;
use crate::outbox::OutboxItem;
use crate::tutorials::reference::store;

impl DeliveryWorker {
    pub(crate) async fn create_contact(
        &self,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
    ) -> Result<(), DeliveryError> {
        let Some(ours) = store::instructor(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let account = &self.config.administrate.account_id;
        if account.is_empty() {
            return Err(DeliveryError::Invalid(NO_ACCOUNT.into()));
        }
        let name = format!("{} {}", ours.first_name, ours.last_name);
        let look = async {
            // Without a role: one whose flag was not taken is the same person.
            let there = self.client.contacts_by_name(&name, None).await?.into_iter();
            let is_it = |one: &Contact| one.full_name().is_some_and(|known| fold(&known) == fold(&name));
            Ok(there.filter(is_it).map(|one| one.id).collect())
        };
        let new = NewContact {
            first_name: ours.first_name.clone(),
            last_name: ours.last_name.clone(),
            account_id: Some(Id::new(account.as_str())),
            email: Some(ours.email.clone()).filter(|email| !email.is_empty()),
            is_instructor: true,
        };
        let id = self.find_or_create(item, remarks, look, self.client.create_contact(&new)).await?;
        self.save_link(ReferenceKind::Instructor, item, &id, None).await
    }
}
