//! Instructors, matched by their whole name, never split (rules, Sync), and the contacts that may administer events.

use super::entity::Entity;
use super::locations::candidates;
use super::matching::{Counterpart, MatchKey, Theirs, pair};
use super::plan::{Difference, Plan, Wanted};
use super::remote::{Contact, People};
use crate::bridges::reference::{self as bridges, Administrator};
use crate::tutorials::reference::Named;

/// Links each contact that teaches with the instructor of ours who has its name.
pub fn plan(
    ours: &[Named],
    theirs: People,
    rows: &[bridges::Instructor],
    administrators: &[Administrator],
) -> Plan<bridges::Instructor> {
    let pairing = pair(candidates(ours), theirs.instructors.iter().map(counterpart).collect());
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
    plan.administrators = Difference::between(administrators, theirs.administrators.into_iter().map(administrator));
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
