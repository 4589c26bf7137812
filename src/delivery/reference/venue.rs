//! A venue of ours in Administrate, within its location.

use administrate::{Id, NewVenue};

use crate::bridges::reference::Kind;
use crate::bridges::store::references as bridges;
use crate::delivery::{Remark, Trouble, Worker};
use crate::names::fold;
use crate::outbox::Item;
use crate::tutorials::reference::store;

impl Worker {
    pub(crate) async fn create_venue(&self, item: &Item, remarks: &mut Vec<Remark>) -> Result<(), Trouble> {
        let Some(ours) = store::venue(&mut *self.pool.acquire().await?, item.subject_id).await? else { return Ok(()) };
        let location = match ours.location_id {
            Some(id) => bridges::external_id(&mut *self.pool.acquire().await?, Kind::Location, id).await?,
            None => None,
        };
        let Some(location) = location.map(Id::new) else {
            return Err(Trouble::Refused(format!(
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
        let id = self.look_or_create(item, remarks, look, self.client.create_venue(&new)).await?;
        self.keep_link(Kind::Venue, item, &id, Some(location.as_str())).await
    }
}
