//! Instructors, matched by their whole name, never split (rules, Sync), and the contacts that may administer events.

use std::collections::BTreeSet;

use administrate::Client;
use sqlx::PgConnection;

use super::locations::candidates;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{Administrator, Bounded, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, Ground, ids};
use crate::sync::matching::{Counterpart, MatchKey, Theirs, pair};
use crate::sync::plan::{Difference, Plan, Wanted};
use crate::sync::remote;
use crate::sync::remote::{Contact, People};
use crate::sync::report::findings::Trouble;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// Instructors on the way of every entity.
pub(crate) struct Instructors;

impl EntitySync for Instructors {
    const ENTITY: Entity = Entity::Instructors;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::Instructors);
    type Row = bridges::Instructor;
    type Theirs = People;
    type Ours = (Vec<Named>, Vec<Administrator>);

    async fn fetch(client: &Client, _ground: &Ground) -> Result<Self::Theirs> {
        remote::people(client).await
    }

    async fn rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::instructors(db).await
    }

    async fn ours(db: &mut PgConnection, _ground: &Ground) -> Result<Self::Ours> {
        Ok((reference::store::instructors(db).await?, references::administrators(db).await?))
    }

    fn plan(
        (ours, administrators): &Self::Ours,
        theirs: Self::Theirs,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> Plan<Self::Row> {
        plan(ours, theirs, rows, administrators, overrides)
    }

    async fn missing(
        _db: &mut PgConnection,
        _ours: &Self::Ours,
        theirs: Self::Theirs,
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

    fn counterparts(_ours: &Self::Ours, theirs: &Self::Theirs) -> Vec<Counterpart> {
        theirs.instructors.iter().map(counterpart).collect()
    }

    async fn retired(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::retired_instructors(db).await
    }

    fn columns(theirs: &Self::Theirs) -> Vec<(&str, Vec<Bounded<'_>>)> {
        let columns = theirs.instructors.iter().map(|contact| {
            let columns =
                vec![bounded("first name", &contact.first_name, 150), bounded("last name", &contact.last_name, 150)];
            (contact.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn put(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_instructors(db, rows).await
    }

    async fn remove(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_instructors(db, &ids(rows)).await
    }
}

/// Links each contact that teaches with the instructor of ours who has its name.
pub fn plan(
    ours: &[Named],
    theirs: People,
    rows: &[bridges::Instructor],
    administrators: &[Administrator],
    overrides: &MatchOverrides,
) -> Plan<bridges::Instructor> {
    let pairing = pair(candidates(ours), theirs.instructors.iter().map(counterpart).collect(), overrides);
    let wanted = theirs.instructors.into_iter().map(|contact| Wanted {
        name: contact.full_name(),
        row: bridges::Instructor {
            external_id: contact.external_id,
            legacy_id: contact.legacy_id,
            is_active: true,
            tutorial_instructor_id: None,
        },
    });
    let mut plan = Plan::between(Entity::Instructors, wanted.collect(), rows, pairing);
    let (unfit, fit): (Vec<Contact>, Vec<Contact>) =
        theirs.administrators.into_iter().partition(|contact| contact.full_name().contains('\0'));
    let trouble = |contact: Contact| Trouble {
        external_id: Some(contact.external_id),
        message: "its name contains a NUL character, which PostgreSQL cannot keep".into(),
    };
    plan.findings.errors.extend(unfit.into_iter().map(trouble));
    plan.administrators = Difference::between(administrators, fit.into_iter().map(administrator));
    plan
}

fn counterpart(contact: &Contact) -> Counterpart {
    let name = contact.full_name();
    Counterpart { key: MatchKey::of(&name), record: Theirs::new(&contact.external_id, name) }
}

fn administrator(contact: Contact) -> Administrator {
    Administrator {
        external_id: contact.external_id,
        first_name: contact.first_name.trim().to_owned(),
        last_name: contact.last_name.trim().to_owned(),
    }
}
