//! A course template of ours in Administrate; its days are to be planned there.

use administrate::NewCourseTemplate;

use crate::bridges::reference::ReferenceKind;
use crate::delivery::{DeliveryError, DeliveryWorker, Notice};
use crate::names::fold;
use crate::outbox::OutboxItem;
use crate::tutorials::reference::store;

impl DeliveryWorker {
    pub(crate) async fn create_course_template(
        &self,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
    ) -> Result<(), DeliveryError> {
        let Some(ours) = store::course_template(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let look = async {
            let there = self.client.course_templates().await?.into_iter();
            let is_it = |code: Option<&str>| code.is_some_and(|code| fold(code) == fold(&ours.code));
            Ok(there.filter(|one| is_it(one.code.as_deref())).map(|one| one.id).collect())
        };
        let new = NewCourseTemplate { code: ours.code.clone(), title: ours.title.clone() };
        let id = self.find_or_create(item, remarks, look, self.client.create_course_template(&new)).await?;
        self.save_link(ReferenceKind::CourseTemplate, item, &id, None).await
    }
}
