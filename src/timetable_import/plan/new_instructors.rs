//! Instructors that exist only in Administrate and are created locally because the caller requested it.
//!
//! Planning finds them; applying creates them in the transaction of the first block that names them. Until then they
//! have negative ids, so that a plan stays plain data. An instructor is not created when a local instructor, active or
//! not, or another contact in Administrate has the same name, or when neither side knows the name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use administrate::Contact;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::PlanItem;
use super::inputs::{LinkedRecord, LocalState, NamedRecord};
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::timetable_import::blocks::Timetable;
use crate::tutorials::reference;
use crate::tutorials::reference::References;
use crate::workbook::problems::shorten;

/// Longest first or last name of an account, in characters.
const MAX_NAME_LENGTH: usize = 150;

/// Maximum number of unknown names in a document.
const MAX_LISTED: usize = 100;

/// An instructor to create locally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInstructor {
    /// The negative id that represents the instructor in the plan.
    pub id: i64,
    /// Administrate's id of the contact.
    pub contact: String,
    /// Administrate's older id of the contact, if reported.
    pub legacy_id: Option<String>,
    pub first_name: String,
    /// Last name, may be empty.
    pub last_name: String,
}

impl NewInstructor {
    /// Returns "First Last".
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// Returns the folded names of instructors in a timetable that no local instructor has.
pub(crate) fn unknown_names(timetable: &Timetable, local: &LocalState) -> BTreeSet<String> {
    unknown(timetable, local).into_keys().collect()
}

/// Returns the first names of instructors that [`unknown_names`] has, as the timetable writes them.
pub(super) fn listed_unknown_names(timetable: &Timetable, local: &LocalState) -> Vec<String> {
    unknown(timetable, local)
        .into_values()
        .take(MAX_LISTED)
        .map(|name| shorten(name.to_owned(), MAX_NAME_LENGTH))
        .collect()
}

/// Returns the unknown names by their folded form.
fn unknown<'a>(timetable: &'a Timetable, local: &LocalState) -> BTreeMap<String, &'a str> {
    let known: HashSet<String> = local.instructors.iter().map(|known| fold(&known.record.name)).collect();
    let used = timetable.blocks.iter().flat_map(|block| {
        let of_sessions = block.sessions.iter().flat_map(|(_, session)| &session.instructors);
        block.event.instructors.iter().chain(of_sessions)
    });
    let unknown = used.map(|name| (fold(name), name.as_str())).filter(|(folded, _)| !known.contains(folded));
    unknown.collect()
}

/// Adds an instructor for each unknown name of the timetable that exactly one contact has.
///
/// A contact that is linked already stands for the local instructor of its link.
pub(crate) fn add_candidates(local: &mut LocalState, timetable: &Timetable, contacts: &[Contact]) {
    if contacts.is_empty() {
        return;
    }
    let names = unknown_names(timetable, local);
    let mut candidates: BTreeMap<String, Vec<&Contact>> = BTreeMap::new();
    for contact in contacts {
        let name = contact.full_name().map(|name| fold(&name)).filter(|name| names.contains(name));
        if let Some(name) = name {
            candidates.entry(name).or_default().push(contact);
        }
    }
    for contacts in candidates.into_values() {
        if let [contact] = contacts.as_slice() {
            add_candidate(local, (*contact).clone());
        }
    }
}

fn add_candidate(local: &mut LocalState, contact: Contact) {
    let external_id = contact.id.to_string();
    let text = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
    let instructor = NewInstructor {
        id: -(local.new_instructors.len() as i64) - 1,
        contact: external_id.clone(),
        legacy_id: contact.legacy_id,
        first_name: text(contact.first_name),
        last_name: text(contact.last_name),
    };
    let linked = local.instructors.iter().find(|known| known.external_id.as_deref() == Some(&external_id));
    let is_too_long = |name: &String| name.chars().count() > MAX_NAME_LENGTH;
    if linked.is_none() && [&instructor.first_name, &instructor.last_name].into_iter().any(is_too_long) {
        return;
    }
    let record = NamedRecord { id: linked.map_or(instructor.id, |linked| linked.record.id), name: instructor.name() };
    let is_active = linked.is_none_or(|linked| linked.is_active);
    if linked.is_none() {
        local.new_instructors.push(instructor);
    }
    // First in the list: a later entry with the same id, which has the local name, wins in a map by id.
    let candidate = LinkedRecord { record, is_active, external_id: Some(external_id), is_linked_manually: false };
    local.instructors.insert(0, candidate);
}

/// Returns the new instructors that the planned events name.
pub(crate) fn used_by<'a>(
    all: &'a [NewInstructor],
    items: impl Iterator<Item = &'a PlanItem>,
) -> Vec<&'a NewInstructor> {
    let ids: HashSet<i64> =
        items.filter_map(|item| item.event.as_ref()).flat_map(|planned| planned.event.people()).collect();
    all.iter().filter(|instructor| ids.contains(&instructor.id)).collect()
}

/// Creates the instructors that do not exist yet, with their links. Returns local ids by the ids of the plan.
pub(crate) async fn create(db: &mut PgConnection, instructors: &[&NewInstructor]) -> Result<HashMap<i64, i64>> {
    if instructors.is_empty() {
        return Ok(HashMap::new());
    }
    let username = |instructor: &NewInstructor| reference::username_of_contact(&instructor.contact);
    let records = instructors.iter().map(|instructor| reference::Instructor {
        username: username(instructor),
        first_name: instructor.first_name.clone(),
        last_name: instructor.last_name.clone(),
        email: String::new(),
    });
    reference::add(db, &References { instructors: records.collect(), ..References::default() }).await?;
    let usernames: Vec<String> = instructors.iter().map(|instructor| username(instructor)).collect();
    let ids = reference::store::instructor_ids(db, &usernames).await?;
    let created = instructors.iter().filter_map(|instructor| Some((*instructor, *ids.get(&username(instructor))?)));
    let created: Vec<(&NewInstructor, i64)> = created.collect();
    let rows = created.iter().map(|(instructor, id)| bridges::InstructorRow {
        external_id: instructor.contact.clone(),
        legacy_id: instructor.legacy_id.clone(),
        is_active: true,
        tutorial_instructor_id: Some(*id),
    });
    let rows: Vec<_> = rows.collect();
    references::put_instructors(db, &rows.iter().collect::<Vec<_>>()).await?;
    Ok(created.into_iter().map(|(instructor, id)| (instructor.id, id)).collect())
}
