//! Attendance.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;

use super::{Check, Outcome, Verdict, read};
use crate::ids;
use crate::tenant::Tenant;
use crate::view::{Ask, Entity, Part, Record};

#[derive(Deserialize)]
struct RecordAttendances {
    input: Vec<AttendanceInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttendanceInput {
    learner_id: String,
    session_id: String,
    attended: bool,
}

/// All of them or none.
pub(super) fn record_attendances(tenant: &mut Tenant, arguments: &Value) -> Verdict {
    let RecordAttendances { input } = read(arguments)?;
    let mut check = Check::default();
    let mut marks = Vec::new();
    for mark in input {
        let learner =
            check.link("learnerId", "Learner", &mark.learner_id, |number| tenant.learners.get(number).is_some());
        let session = ids::decode("Course", &mark.session_id).filter(|number| tenant.sessions.contains_key(number));
        if session.is_none() {
            check.refuse(
                "sessionId",
                format!("Session with id {} does not exist", mark.session_id),
                Some(&mark.session_id),
            );
        }
        marks.extend(learner.zip(session).map(|(learner, session)| (learner, session, mark.attended)));
    }
    check.verdict()?;
    for (learner, session, attended) in &marks {
        if let Some(learner) = tenant.learners.get_mut(*learner) {
            learner.attended.insert(*session, *attended);
        }
    }
    let learners = marks.iter().map(|(learner, ..)| Entity::Learner(*learner)).collect();
    Ok(Outcome::done_all("learner", learners))
}

/// The list shape: a payload for each input; after a refusal the one that tells it.
pub(super) fn one_payload_each(ask: &Ask<'_>, outcome: &Outcome, refused: &Rc<Record>) -> Part {
    let Some((field, entities)) = &outcome.object else {
        return Part::Records(vec![Rc::clone(refused)]);
    };
    let errors: Vec<Rc<Record>> = outcome.errors.iter().map(super::Refusal::part).collect();
    let payload = |entity: &Entity| {
        Record::new(ask.type_name, vec![(*field, Part::One(*entity)), ("errors", Part::Records(errors.clone()))])
    };
    Part::Records(entities.iter().map(payload).collect())
}
