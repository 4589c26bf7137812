//! Mutations of learners: attendance.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;

use super::{Check, MutationResult, Outcome, read};
use crate::ids;
use crate::tenant::Tenant;
use crate::view::{Entity, FieldSelection, Output, Record};

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

/// Records all attendances or none.
pub(super) fn record_attendances(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let RecordAttendances { input } = read(arguments)?;
    let mut check = Check::default();
    let mut marks = Vec::new();
    for mark in input {
        let learner =
            check.resolve("learnerId", "Learner", &mark.learner_id, |number| tenant.learners.get(number).is_some());
        let session = ids::decode("Course", &mark.session_id).filter(|number| tenant.sessions.contains_key(number));
        if session.is_none() {
            check.add_error(
                "sessionId",
                format!("Session with id {} does not exist", mark.session_id),
                Some(&mark.session_id),
            );
        }
        marks.extend(learner.zip(session).map(|(learner, session)| (learner, session, mark.attended)));
    }
    check.finish()?;
    for (learner, session, attended) in &marks {
        if let Some(learner) = tenant.learners.get_mut(*learner) {
            learner.attended.insert(*session, *attended);
        }
    }
    let learners = marks.iter().map(|(learner, ..)| Entity::Learner(*learner)).collect();
    Ok(Outcome::with_objects("learner", learners))
}

/// Returns the list shape: one payload for each input, or the payload of a refused mutation.
pub(super) fn payload_list(selection: &FieldSelection<'_>, outcome: &Outcome, refused_payload: &Rc<Record>) -> Output {
    let Some((field, entities)) = &outcome.object else {
        return Output::Records(vec![Rc::clone(refused_payload)]);
    };
    let errors: Vec<Rc<Record>> = outcome.errors.iter().map(super::PayloadError::output).collect();
    let payload = |entity: &Entity| {
        Record::new(
            selection.type_name,
            vec![(*field, Output::One(*entity)), ("errors", Output::Records(errors.clone()))],
        )
    };
    Output::Records(entities.iter().map(payload).collect())
}
