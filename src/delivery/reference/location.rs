//! A location of ours in Administrate.

use administrate::NewLocation;

use crate::bridges::reference::Kind;
use crate::delivery::{Remark, Trouble, Worker};
use crate::names::fold;
use crate::outbox::Item;
use crate::tutorials::reference::store;

impl Worker {
    pub(crate) async fn create_location(&self, item: &Item, remarks: &mut Vec<Remark>) -> Result<(), Trouble> {
        let Some(ours) = store::location(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let look = async {
            let there = self.client.locations().await?.into_iter();
            Ok(there.filter(|one| fold(&one.name) == fold(&ours.name)).map(|one| one.id).collect())
        };
        let code = Some(ours.code.clone()).filter(|code| !code.is_empty());
        let new = NewLocation { name: ours.name.clone(), code };
        let id = self.look_or_create(item, remarks, look, self.client.create_location(&new)).await?;
        self.keep_link(Kind::Location, item, &id, None).await
    }
}
