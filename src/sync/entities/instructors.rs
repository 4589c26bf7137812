//! Instructors, matched by their full name, which is never split, and the contacts that may administer events.

use std::collections::{BTreeSet, HashSet};

use administrate::Client;
use sqlx::PgConnection;

use super::locations::local_candidates;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{AdministratorRow, BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids, planned};
use crate::sync::matching::{MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::validate::text_error;
use crate::sync::plan::{DesiredRow, SetDiff, SyncPlan};
use crate::sync::remote;
use crate::sync::remote::{RemoteContact, RemotePeople};
use crate::sync::report::display_name::display_name;
use crate::sync::report::findings::RecordError;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// The sync of instructors.
pub(crate) struct Instructors;

impl EntitySync for Instructors {
    const ENTITY: Entity = Entity::Instructors;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Instructors);
    type Row = bridges::InstructorRow;
    type Remote = RemotePeople;
    type Local = (Vec<Named>, Vec<AdministratorRow>);

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::people(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::instructors(db).await
    }

    async fn local_records(db: &mut PgConnection, _context: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::instructors(db).await?, references::administrators(db).await?))
    }

    fn plan(
        (local, administrators): &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(local, remote, rows, administrators, overrides)
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        _local: &Self::Local,
        remote: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = remote.instructors.into_iter().filter(|contact| chosen.contains(&contact.external_id));
        let instructors = chosen.map(|contact| reference::Instructor {
            username: reference::username_of_contact(&contact.external_id),
            first_name: tidy(&contact.first_name),
            last_name: tidy(&contact.last_name),
            email: String::new(),
        });
        Ok(References { instructors: instructors.collect(), ..References::default() })
    }

    fn add_planned((local, _): &mut Self::Local, records: &References) -> Vec<Named> {
        let name = |person: &reference::Instructor| format!("{} {}", person.first_name, person.last_name);
        let names: Vec<String> = records.instructors.iter().map(|person| name(person).trim().to_owned()).collect();
        let created = planned(names.iter().map(String::as_str));
        local.extend(created.iter().cloned());
        created
    }

    fn remote_candidates(_local: &Self::Local, remote: &Self::Remote) -> Vec<RemoteCandidate> {
        remote.instructors.iter().map(remote_candidate).collect()
    }

    async fn inactive_names(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::inactive_instructors(db).await
    }

    fn bounded_columns(remote: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = remote.instructors.iter().map(|contact| {
            let columns =
                vec![bounded("first name", &contact.first_name, 150), bounded("last name", &contact.last_name, 150)];
            (contact.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_instructors(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_instructors(db, &ids(rows)).await
    }
}

/// Plans the rows of instructors. Each contact that teaches is linked with the local instructor of its name.
pub fn plan(
    local: &[Named],
    remote: RemotePeople,
    rows: &[bridges::InstructorRow],
    administrators: &[AdministratorRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::InstructorRow> {
    let matches = match_records(
        local_candidates(local),
        remote.instructors.iter().map(remote_candidate).collect(),
        rows,
        overrides,
    );
    let desired = remote.instructors.into_iter().map(|contact| DesiredRow {
        name: contact.full_name(),
        other_texts: Vec::new(),
        row: bridges::InstructorRow {
            external_id: contact.external_id,
            legacy_id: contact.legacy_id,
            is_active: true,
            tutorial_instructor_id: None,
        },
    });
    let mut plan = SyncPlan::between(Entity::Instructors, desired.collect(), rows, matches);
    let mut valid: Vec<RemoteContact> = Vec::new();
    let mut damaged: HashSet<String> = HashSet::new();
    for contact in remote.administrators {
        match text_error("name", &contact.full_name()) {
            Some(error) => {
                damaged.insert(contact.external_id.clone());
                plan.add_contact_error(contact, &error);
            }
            None => valid.push(contact),
        }
    }
    // The stored name of a damaged contact stays.
    let stored = administrators.iter().filter(|contact| !damaged.contains(&contact.external_id)).cloned();
    plan.administrators = SetDiff::between(&stored.collect::<Vec<_>>(), valid.into_iter().map(administrator));
    plan
}

impl SyncPlan<bridges::InstructorRow> {
    /// Reports a damaged contact once, although it may be both instructor and administrator.
    fn add_contact_error(&mut self, contact: RemoteContact, error: &str) {
        let external_id = Some(contact.external_id.clone());
        if self.findings.errors.iter().all(|known| known.external_id != external_id) {
            let message = format!("{}: {error}", display_name(&contact.full_name()));
            self.findings.errors.push(RecordError { external_id, message });
        }
    }
}

fn remote_candidate(contact: &RemoteContact) -> RemoteCandidate {
    let name = contact.full_name();
    RemoteCandidate { key: MatchKey::of(&name), record: RemoteRecord::new(&contact.external_id, name) }
}

fn administrator(contact: RemoteContact) -> AdministratorRow {
    AdministratorRow {
        external_id: contact.external_id,
        first_name: contact.first_name.trim().to_owned(),
        last_name: contact.last_name.trim().to_owned(),
    }
}
