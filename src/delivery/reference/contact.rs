//! Creates an instructor as a contact of the configured account.

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
        let Some(local) = store::instructor(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let account = &self.config.administrate.account_id;
        if account.is_empty() {
            return Err(DeliveryError::Invalid(NO_ACCOUNT.into()));
        }
        let name = format!("{} {}", local.first_name, local.last_name);
        let look = async {
            // Contacts of any role: the API may not have accepted that an earlier one is an instructor.
            let contacts = self.client.contacts_by_name(&name, None).await?.into_iter();
            let is_same = |one: &Contact| one.full_name().is_some_and(|known| fold(&known) == fold(&name));
            Ok(contacts.filter(is_same).map(|one| one.id).collect())
        };
        let new = NewContact {
            first_name: local.first_name.clone(),
            last_name: local.last_name.clone(),
            account_id: Some(Id::new(account.as_str())),
            email: Some(local.email.clone()).filter(|email| !email.is_empty()),
            is_instructor: true,
        };
        let id = self.find_or_create(item, remarks, look, self.client.create_contact(&new)).await?;
        self.save_link(ReferenceKind::Instructor, item, &id, None).await
    }
}
