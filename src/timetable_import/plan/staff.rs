//! People of the file who were removed in Administrate since they were delivered.
//!
//! People are added and removed one by one. A person who was added in Administrate stays there and is not reported, because
//! it is unknown whether a course template or a user added them.

use std::collections::HashSet;

use administrate::{Id, StaffMember};

use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, Session, StaffRole};

use super::conflicts::EventSides;
use super::inputs::LocalState;

/// People of one cell of whom Administrate no longer has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissingStaff {
    /// The field's name, such as "day 2: instructors".
    pub(crate) field: String,
    /// The session's sequence, `None` for the event itself.
    pub(crate) day: Option<i32>,
    /// The names of the file.
    pub(crate) local: String,
    /// The names of Administrate; "" for none.
    pub(crate) remote: String,
    pub(crate) cell: Field,
}

/// Returns the people of an event and its sessions who were delivered, are named before and after the import, and are no
/// longer in Administrate.
pub(crate) fn missing(local: &LocalState, known: &Event, event: &Event, sides: &EventSides<'_>) -> Vec<MissingStaff> {
    let contacts = |staff: &[StaffMember], role: StaffRole| -> Vec<Id> {
        let of_role = |member: &&StaffMember| {
            (member.staff_type.as_deref() == Some("administrator")) == (role == StaffRole::Administrator)
        };
        staff.iter().filter(of_role).filter_map(|member| member.contact_id.clone()).collect()
    };
    let mut found = Vec::new();
    if let Some(baseline) = local.staff_baselines.get(&sides.baseline.external_id) {
        for (role, name, cell, delivered) in [
            (StaffRole::Instructor, "instructors", Field::Instructor, &baseline.instructors),
            (StaffRole::Administrator, "administrators", Field::Administrator, &baseline.administrators),
        ] {
            let people = People { local, delivered, remote: contacts(&sides.remote.staff, role) };
            found.extend(
                people
                    .missing(&staff(local, known, role), &staff(local, event, role))
                    .into_iter()
                    .map(|(local, remote)| MissingStaff { field: name.to_owned(), day: None, local, remote, cell }),
            );
        }
    }
    for session in &event.sessions {
        let day = session.sequence;
        let Some(before) = known.sessions.iter().find(|before| before.sequence == day) else { continue };
        let Some((id, baseline)) = sides.baseline.sessions.get(&day) else { continue };
        let Some(remote) = sides.remote.sessions.iter().find(|remote| remote.id == *id) else { continue };
        let remote = contacts(&remote.staff, StaffRole::Instructor);
        let people = People { local, delivered: &baseline.instructors, remote };
        found.extend(people.missing(&teachers(local, before), &teachers(local, session)).into_iter().map(
            |(local, remote)| {
                let field = format!("day {day}: instructors");
                MissingStaff { field, day: Some(day), local, remote, cell: Field::SessionInstructor }
            },
        ));
    }
    found
}

/// The people of one cell.
struct People<'a> {
    local: &'a LocalState,
    delivered: &'a [Id],
    remote: Vec<Id>,
}

impl People<'_> {
    /// Returns the names on both sides if Administrate lacks a person.
    fn missing(&self, before: &[Id], after: &[Id]) -> Option<(String, String)> {
        let remote: HashSet<&Id> = self.remote.iter().collect();
        let is_missing =
            |contact: &&Id| before.contains(contact) && self.delivered.contains(contact) && !remote.contains(contact);
        after.iter().find(is_missing)?;
        let names = |contacts: &[Id]| {
            let names: Vec<String> = contacts.iter().map(|contact| self.local.contact_name(contact)).collect();
            names.join(" / ")
        };
        Some((names(after), names(&self.remote)))
    }
}

/// Returns the contacts of an event's staff. People without a link are left out.
fn staff(local: &LocalState, event: &Event, role: StaffRole) -> Vec<Id> {
    let of_role = event.staff.iter().filter(|staff| staff.role == role);
    let contact = |staff: &crate::tutorials::Staff| match (&staff.external_id, staff.tutorial_instructor_id) {
        (Some(external_id), _) => Some(Id::new(external_id.as_str())),
        (None, id) => local.contact_of(id?),
    };
    of_role.filter_map(contact).collect()
}

fn teachers(local: &LocalState, session: &Session) -> Vec<Id> {
    session.instructor_ids.iter().filter_map(|id| local.contact_of(*id)).collect()
}
