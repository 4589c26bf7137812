//! Instructors whom only Administrate knows, taken over where that was asked: found while planning, created here in the
//! transaction of the first block that names them.
//!
//! Until then they bear ids below zero, so that a plan can name them and stays plain data. Promises: who bears the name
//! of anybody here, active or not, or shares it with another contact there, is no newcomer; neither is who is unknown on
//! both sides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use administrate::Contact;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::PlanItem;
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::timetable_import::blocks::Timetable;
use crate::timetable_import::plan::inputs::{LinkedRecord, LocalState, NamedRecord};
use crate::tutorials::reference;
use crate::tutorials::reference::References;

/// The longest first or last name that an account has, in characters.
const LONGEST: usize = 150;

/// An instructor who is to be created here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInstructor {
    /// What the plan calls them, below zero.
    pub id: i64,
    /// Administrate's id of the contact.
    pub contact: String,
    /// Administrate's older id of the contact, if told.
    pub legacy_id: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name, may be empty.
    pub last_name: String,
}

impl NewInstructor {
    /// "First Last".
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// The names of instructors that a timetable uses and nobody here bears, folded.
pub(crate) fn unknown_names(timetable: &Timetable, ours: &LocalState) -> BTreeSet<String> {
    let known: HashSet<String> = ours.instructors.iter().map(|known| fold(&known.record.name)).collect();
    let named = timetable.blocks.iter().flat_map(|block| {
        let of_sessions = block.sessions.iter().flat_map(|(_, session)| &session.instructors);
        block.event.instructors.iter().chain(of_sessions)
    });
    named.map(|name| fold(name)).filter(|name| !known.contains(name)).collect()
}

/// Makes those known here whom one contact, and one alone, is called like; a contact that is linked already is the
/// instructor that it is linked with.
pub(crate) fn add_candidates(ours: &mut LocalState, timetable: &Timetable, contacts: &[Contact]) {
    if contacts.is_empty() {
        return;
    }
    let names = unknown_names(timetable, ours);
    let mut found: BTreeMap<String, Vec<&Contact>> = BTreeMap::new();
    for contact in contacts {
        let name = contact.full_name().map(|name| fold(&name)).filter(|name| names.contains(name));
        if let Some(name) = name {
            found.entry(name).or_default().push(contact);
        }
    }
    for contacts in found.into_values() {
        if let [contact] = contacts.as_slice() {
            add_candidate(ours, (*contact).clone());
        }
    }
}

fn add_candidate(ours: &mut LocalState, contact: Contact) {
    let external_id = contact.id.to_string();
    let text = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
    let newcomer = NewInstructor {
        id: -(ours.newcomers.len() as i64) - 1,
        contact: external_id.clone(),
        legacy_id: contact.legacy_id,
        first_name: text(contact.first_name),
        last_name: text(contact.last_name),
    };
    let linked = ours.instructors.iter().find(|known| known.external_id.as_deref() == Some(&external_id));
    if linked.is_none() && [&newcomer.first_name, &newcomer.last_name].iter().any(|name| name.chars().count() > LONGEST)
    {
        return;
    }
    let record = NamedRecord { id: linked.map_or(newcomer.id, |linked| linked.record.id), name: newcomer.name() };
    let is_active = linked.is_none_or(|linked| linked.is_active);
    if linked.is_none() {
        ours.newcomers.push(newcomer);
    }
    // In front: whoever looks an id up finds our own name for it.
    let linked = LinkedRecord { record, is_active, external_id: Some(external_id), is_decided: false };
    ours.instructors.insert(0, linked);
}

/// The newcomers whom events that are written name.
pub(crate) fn used_by<'a>(
    all: &'a [NewInstructor],
    items: impl Iterator<Item = &'a PlanItem>,
) -> Vec<&'a NewInstructor> {
    let ids: HashSet<i64> =
        items.filter_map(|item| item.event.as_ref()).flat_map(|planned| planned.event.people()).collect();
    all.iter().filter(|newcomer| ids.contains(&newcomer.id)).collect()
}

/// Creates those who are not there yet, with their links; gives our ids by those of the plan.
pub(crate) async fn create(db: &mut PgConnection, newcomers: &[&NewInstructor]) -> Result<HashMap<i64, i64>> {
    if newcomers.is_empty() {
        return Ok(HashMap::new());
    }
    let username = |newcomer: &NewInstructor| reference::username_of_contact(&newcomer.contact);
    let instructors = newcomers.iter().map(|newcomer| reference::Instructor {
        username: username(newcomer),
        first_name: newcomer.first_name.clone(),
        last_name: newcomer.last_name.clone(),
        email: String::new(),
    });
    reference::add(db, &References { instructors: instructors.collect(), ..References::default() }).await?;
    let usernames: Vec<String> = newcomers.iter().map(|newcomer| username(newcomer)).collect();
    let ids = reference::store::instructor_ids(db, &usernames).await?;
    let known = newcomers.iter().filter_map(|newcomer| Some((*newcomer, *ids.get(&username(newcomer))?)));
    let known: Vec<(&NewInstructor, i64)> = known.collect();
    let rows = known.iter().map(|(newcomer, id)| bridges::InstructorRow {
        external_id: newcomer.contact.clone(),
        legacy_id: newcomer.legacy_id.clone(),
        is_active: true,
        tutorial_instructor_id: Some(*id),
    });
    let rows: Vec<_> = rows.collect();
    references::put_instructors(db, &rows.iter().collect::<Vec<_>>()).await?;
    Ok(known.into_iter().map(|(newcomer, id)| (newcomer.id, id)).collect())
}
