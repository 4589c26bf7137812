//! Reference data of ours that is to come to be in Administrate: locations, venues, course templates, contacts.
//!
//! Promises, as for events: created once, looked for by name after a doubtful outcome, its id stored at once. Whether an
//! API can create it at all is asked before it is sent.

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

/// What a kind is to the outbox: its effect and the kind of its subject.
type EffectName = (&'static str, &'static str);
const LOCATION: EffectName = ("create_location", "location");
const VENUE: EffectName = ("create_venue", "venue");
const COURSE_TEMPLATE: EffectName = ("create_course_template", "course_template");
const CONTACT: EffectName = ("create_contact", "instructor");

/// What an effect is to create, if it is one of these.
pub fn kind_of(effect: &str) -> Option<ReferenceKind> {
    match effect {
        effect if effect == LOCATION.0 => Some(ReferenceKind::Location),
        effect if effect == VENUE.0 => Some(ReferenceKind::Venue),
        effect if effect == COURSE_TEMPLATE.0 => Some(ReferenceKind::CourseTemplate),
        effect if effect == CONTACT.0 => Some(ReferenceKind::Instructor),
        _ => None,
    }
}

/// The effect that creates a record of ours in Administrate; `subject` is its name. A sync has just looked there.
pub fn effect(kind: ReferenceKind, id: i64, subject: &str) -> Effect {
    let (name, subject_kind) = match kind {
        ReferenceKind::Location => LOCATION,
        ReferenceKind::Venue => VENUE,
        ReferenceKind::CourseTemplate => COURSE_TEMPLATE,
        ReferenceKind::Instructor => CONTACT,
    };
    Effect { name, subject_kind, subject_id: id, subject: subject.to_owned(), look_first: false, also: &[] }
}

/// Why records of this kind cannot be created there, if they cannot.
pub fn reason_unsupported(kind: ReferenceKind, capabilities: &Capabilities, config: &Config) -> Option<String> {
    let (offered, mutation) = match kind {
        ReferenceKind::Location => (capabilities.create_location, "location.create"),
        ReferenceKind::Venue => (capabilities.create_venue, "venue.create"),
        ReferenceKind::CourseTemplate => (capabilities.create_course_template, "courseTemplate.create"),
        ReferenceKind::Instructor => (capabilities.create_contact, "contact.create"),
    };
    let needs_account = kind == ReferenceKind::Instructor && config.administrate.account_id.is_empty();
    match (offered, capabilities.introspected) {
        (true, _) => needs_account.then(|| NO_ACCOUNT.into()),
        (false, true) => Some(format!("its API has no {mutation}")),
        (false, false) => Some(format!("its API does not tell what it can, and no {mutation} is documented")),
    }
}

/// Whether the remark says that somebody was created who is no instructor there, because the API does not take that.
pub fn is_no_instructor(remark: &Notice) -> bool {
    matches!(remark, Notice::LeftOut(fields) if fields.contains(&"isInstructor"))
}

const NO_ACCOUNT: &str = "a contact belongs to an account: set ADMINISTRATE_ACCOUNT_ID to it";

/// A person has decided that our record is this one of Administrate's, which has to be there.
pub async fn link_manually(pool: &PgPool, client: &Client, kind: ReferenceKind, ours: i64, id: &Id) -> Result<()> {
    let there = match kind {
        ReferenceKind::Location => client.locations().await?.iter().any(|one| one.id == *id),
        ReferenceKind::Venue => client.venues().await?.iter().any(|one| one.id == *id),
        ReferenceKind::CourseTemplate => client.course_templates().await?.iter().any(|one| one.id == *id),
        ReferenceKind::Instructor => client.instructors().await?.iter().any(|one| one.id == *id),
    };
    if !there {
        return Err(Error::Usage(format!(
            "Administrate has nothing of this kind with the id {id}; look its id up there"
        )));
    }
    let mut db = pool.acquire().await?;
    references::link(&mut db, kind, id.as_str(), ours, None).await
}

impl DeliveryWorker {
    /// Brings one record there, unless it is linked already or gone here.
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

    /// Looks for the record where it may be there already, else creates it. Both are asked only when needed.
    async fn find_or_create(
        &self,
        item: &OutboxItem,
        remarks: &mut Vec<Notice>,
        look: impl Future<Output = Result<Vec<Id>, administrate::Error>> + Send,
        create: impl Future<Output = Result<CreatedRecord, administrate::Error>> + Send,
    ) -> Result<Id, DeliveryError> {
        if item.look_first || item.in_doubt {
            match look.await?.as_slice() {
                [] => {}
                [one] => {
                    remarks.push(Notice::Adopted);
                    return Ok(one.clone());
                }
                several => return Err(DeliveryError::OutcomeUnknown(namesakes(item, several))),
            }
        }
        self.wait_for_in_flight(item)?;
        let created = self.send_creation(item, &item.subject, create).await?;
        remarks.extend(created.warnings.into_iter().map(|warning| Notice::Warning(warning.to_string())));
        if !created.unsupported_fields.is_empty() {
            remarks.push(Notice::LeftOut(created.unsupported_fields));
        }
        Ok(created.id)
    }

    /// Stores what Administrate calls our record, in a transaction of its own.
    async fn save_link(
        &self,
        kind: ReferenceKind,
        item: &OutboxItem,
        id: &Id,
        within: Option<&str>,
    ) -> Result<(), DeliveryError> {
        let mut db = self.pool.acquire().await?;
        Ok(references::link(&mut db, kind, id.as_str(), item.subject_id, within).await?)
    }
}

fn namesakes(item: &OutboxItem, ids: &[Id]) -> String {
    let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
    format!(
        "Administrate has several called \"{}\" ({}): decide which is ours with `lectern outbox resolve`",
        item.subject,
        ids.join(", ")
    )
}
