//! Instructors, matched by their whole name, never split (rules, Sync), and the contacts that may administer events.

use std::collections::BTreeSet;

use administrate::Client;
use sqlx::PgConnection;

use super::locations::candidates;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{AdministratorRow, BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SetDiff, SyncPlan};
use crate::sync::remote;
use crate::sync::remote::{RemoteContact, RemotePeople};
use crate::sync::report::findings::RecordError;
use crate::text::contains_nul;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// Instructors on the way of every entity.
pub(crate) struct Instructors;

impl EntitySync for Instructors {
    const ENTITY: Entity = Entity::Instructors;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Instructors);
    type Row = bridges::InstructorRow;
    type Remote = RemotePeople;
    type Local = (Vec<Named>, Vec<AdministratorRow>);

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::people(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::instructors(db).await
    }

    async fn local_records(db: &mut PgConnection, _ground: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::instructors(db).await?, references::administrators(db).await?))
    }

    fn plan(
        (ours, administrators): &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(ours, theirs, rows, administrators, overrides)
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        _ours: &Self::Local,
        theirs: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = theirs.instructors.into_iter().filter(|contact| chosen.contains(&contact.external_id));
        let instructors = chosen.map(|contact| reference::Instructor {
            username: reference::username_of_contact(&contact.external_id),
            first_name: tidy(&contact.first_name),
            last_name: tidy(&contact.last_name),
            email: String::new(),
        });
        Ok(References { instructors: instructors.collect(), ..References::default() })
    }

    fn counterparts(_ours: &Self::Local, theirs: &Self::Remote) -> Vec<RemoteCandidate> {
        theirs.instructors.iter().map(counterpart).collect()
    }

    async fn inactive_names(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::inactive_instructors(db).await
    }

    fn bounded_columns(theirs: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = theirs.instructors.iter().map(|contact| {
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

/// Links each contact that teaches with the instructor of ours who has its name.
pub fn plan(
    ours: &[Named],
    theirs: RemotePeople,
    rows: &[bridges::InstructorRow],
    administrators: &[AdministratorRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::InstructorRow> {
    let pairing = match_records(candidates(ours), theirs.instructors.iter().map(counterpart).collect(), overrides);
    let wanted = theirs.instructors.into_iter().map(|contact| DesiredRow {
        name: contact.full_name(),
        row: bridges::InstructorRow {
            external_id: contact.external_id,
            legacy_id: contact.legacy_id,
            is_active: true,
            tutorial_instructor_id: None,
        },
    });
    let mut plan = SyncPlan::between(Entity::Instructors, wanted.collect(), rows, pairing);
    let (unfit, fit): (Vec<RemoteContact>, Vec<RemoteContact>) =
        theirs.administrators.into_iter().partition(|contact| contains_nul(&contact.full_name()));
    let trouble = |contact: RemoteContact| RecordError {
        external_id: Some(contact.external_id),
        message: "its name contains a NUL character, which PostgreSQL cannot keep".into(),
    };
    plan.findings.errors.extend(unfit.into_iter().map(trouble));
    plan.administrators = SetDiff::between(administrators, fit.into_iter().map(administrator));
    plan
}

fn counterpart(contact: &RemoteContact) -> RemoteCandidate {
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
