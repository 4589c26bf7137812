//! Creates local reference records in Administrate: locations, venues, course templates, contacts.
//!
//! Guarantees, as for events: a record is created once, looked for by name after an unknown outcome, and its id is stored
//! at once. Callers check with [`reason_unsupported`] whether the API can create it.

pub mod contact;
pub mod course_template;
pub mod location;
pub mod venue;

use administrate::{Capabilities, Client, CreatedRecord, Id};
use sqlx::PgPool;

use super::{DeliveryError, DeliveryWorker, Notice};
use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::outbox::{Effect, OutboxItem};

/// The effect of a kind and the kind of its subject in the outbox.
type EffectName = (&'static str, &'static str);
const LOCATION: EffectName = ("create_location", "location");
const VENUE: EffectName = ("create_venue", "venue");
const COURSE_TEMPLATE: EffectName = ("create_course_template", "course_template");
const CONTACT: EffectName = ("create_contact", "instructor");

/// Returns what an effect creates; none for the effects of events.
pub fn kind_of(effect: &str) -> Option<ReferenceKind> {
    match effect {
        effect if effect == LOCATION.0 => Some(ReferenceKind::Location),
        effect if effect == VENUE.0 => Some(ReferenceKind::Venue),
        effect if effect == COURSE_TEMPLATE.0 => Some(ReferenceKind::CourseTemplate),
        effect if effect == CONTACT.0 => Some(ReferenceKind::Instructor),
        _ => None,
    }
}

/// Returns the effect that creates a local record in Administrate; `subject` is its name. The caller has just read
/// Administrate, so that the worker does not look first.
pub fn effect(kind: ReferenceKind, id: i64, subject: &str) -> Effect {
    let (name, subject_kind) = match kind {
        ReferenceKind::Location => LOCATION,
        ReferenceKind::Venue => VENUE,
        ReferenceKind::CourseTemplate => COURSE_TEMPLATE,
        ReferenceKind::Instructor => CONTACT,
    };
    Effect { name, subject_kind, subject_id: id, subject: subject.to_owned(), check_remote_first: false, steps: &[] }
}

/// Returns why records of this kind cannot be created in Administrate; none where they can.
pub fn reason_unsupported(kind: ReferenceKind, capabilities: &Capabilities, config: &Config) -> Option<String> {
    let (is_supported, mutation) = match kind {
        ReferenceKind::Location => (capabilities.create_location, "location.create"),
        ReferenceKind::Venue => (capabilities.create_venue, "venue.create"),
        ReferenceKind::CourseTemplate => (capabilities.create_course_template, "courseTemplate.create"),
        ReferenceKind::Instructor => (capabilities.create_contact, "contact.create"),
    };
    let needs_account = kind == ReferenceKind::Instructor && config.administrate.account_id.is_empty();
    match (is_supported, capabilities.introspected) {
        (true, _) => needs_account.then(|| NO_ACCOUNT.into()),
        (false, true) => Some(format!("its API has no {mutation}")),
        (false, false) => Some(format!("its API cannot be introspected, and no {mutation} is documented")),
    }
}

/// Returns whether a contact was created without being an instructor, because the API does not accept that field.
pub fn is_no_instructor(notice: &Notice) -> bool {
    matches!(notice, Notice::UnsupportedFields(fields) if fields.contains(&"isInstructor"))
}

const NO_ACCOUNT: &str = "a contact belongs to an account: set ADMINISTRATE_ACCOUNT_ID to it";

/// Links a local record with a remote one after a user's decision. Fails if Administrate has no such record.
pub async fn link_manually(pool: &PgPool, client: &Client, kind: ReferenceKind, local_id: i64, id: &Id) -> Result<()> {
    let exists = match kind {
        ReferenceKind::Location => client.locations().await?.iter().any(|one| one.id == *id),
        ReferenceKind::Venue => client.venues().await?.iter().any(|one| one.id == *id),
        ReferenceKind::CourseTemplate => client.course_templates().await?.iter().any(|one| one.id == *id),
        ReferenceKind::Instructor => client.instructors().await?.iter().any(|one| one.id == *id),
    };
    if !exists {
        return Err(Error::Usage(format!(
            "Administrate has no such record with the id {id}; look its id up in Administrate"
        )));
    }
    let mut db = pool.acquire().await?;
    references::link(&mut db, kind, id.as_str(), local_id, None).await
}

impl DeliveryWorker {
    /// Creates one record in Administrate, unless it is linked already or was deleted locally.
    pub(super) async fn create_reference(
        &self,
        kind: ReferenceKind,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
    ) -> Result<(), DeliveryError> {
        if references::external_id(&mut *self.pool.acquire().await?, kind, item.subject_id).await?.is_some() {
            return Ok(());
        }
        match kind {
            ReferenceKind::Location => self.create_location(item, remarks).await,
            ReferenceKind::Venue => self.create_venue(item, remarks).await,
            ReferenceKind::CourseTemplate => self.create_course_template(item, remarks).await,
            ReferenceKind::Instructor => self.create_contact(item, remarks).await,
        }
    }

    /// Returns the id of the record, which is looked for if it may exist in Administrate, and otherwise created.
    ///
    /// `look` and `create` are polled only when needed.
    async fn find_or_create(
        &self,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
        look: impl Future<Output = Result<Vec<Id>, administrate::Error>> + Send,
        create: impl Future<Output = Result<CreatedRecord, administrate::Error>> + Send,
    ) -> Result<Id, DeliveryError> {
        if item.check_remote_first || item.in_doubt {
            match look.await?.as_slice() {
                [] => {}
                [one] => {
                    remarks.push(Notice::Adopted);
                    return Ok(one.clone());
                }
                several => return Err(DeliveryError::OutcomeUnknown(ambiguity_message(item, several))),
            }
        }
        self.wait_for_in_flight(item)?;
        let created = self.send_creation(item, &item.subject, create).await?;
        remarks.extend(created.warnings.into_iter().map(|warning| Notice::Warning(warning.to_string())));
        if !created.unsupported_fields.is_empty() {
            remarks.push(Notice::UnsupportedFields(created.unsupported_fields));
        }
        Ok(created.id)
    }

    /// Stores the remote id of a local record, in a transaction of its own. `parent`: remote id of a venue's location.
    async fn save_link(
        &self,
        kind: ReferenceKind,
        item: &OutboxItem,
        id: &Id,
        parent: Option<&str>,
    ) -> Result<(), DeliveryError> {
        let mut db = self.pool.acquire().await?;
        Ok(references::link(&mut db, kind, id.as_str(), item.subject_id, parent).await?)
    }
}

fn ambiguity_message(item: &OutboxItem, ids: &[Id]) -> String {
    let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
    format!(
        "Administrate has several records named \"{}\" ({}): decide with `lectern outbox resolve` which one it is",
        item.subject,
        ids.join(", ")
    )
}
