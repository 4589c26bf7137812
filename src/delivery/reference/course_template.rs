//! Creates a course template; a user plans its days in Administrate.

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
        let Some(local) = store::course_template(&mut *self.pool.acquire().await?, item.subject_id).await? else {
            return Ok(());
        };
        let look = async {
            let templates = self.client.course_templates().await?.into_iter();
            let is_same = |code: Option<&str>| code.is_some_and(|code| fold(code) == fold(&local.code));
            Ok(templates.filter(|one| is_same(one.code.as_deref())).map(|one| one.id).collect())
        };
        let new = NewCourseTemplate { code: local.code.clone(), title: local.title.clone() };
        let id = self.find_or_create(item, remarks, look, self.client.create_course_template(&new)).await?;
        self.save_link(ReferenceKind::CourseTemplate, item, &id, None).await
    }
}
