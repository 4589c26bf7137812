//! Reviews to which lessons refer: each is about a person of the lesson, and by another one.
//!
//! The tables belong to another program, and their names say who is reviewed. Few of them name a lesson, so that a review of
//! another lesson of the same people is accepted; so is a review without author or subject.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::identity::{Caller, Role};
use crate::lessons::rights::{LessonRole, LessonScope};
use crate::lessons::store::references::{self, LessonPeople, LessonPerson, Review};
use crate::resources::RowDraft;
use crate::resources::problems::Problems;

/// A field with a review.
struct ReviewField {
    table: &'static str,
    about: LessonRole,
    by: LessonRole,
    /// What the table may call the author.
    roles: &'static [&'static str],
}

const REVIEWS: [ReviewField; 3] = [
    ReviewField {
        table: "public.tutor_reviews",
        about: LessonRole::Tutor,
        by: LessonRole::Student,
        roles: &["student"],
    },
    ReviewField {
        table: "public.student_reviews",
        about: LessonRole::Student,
        by: LessonRole::Tutor,
        roles: &["tutor", "teacher"],
    },
    ReviewField { table: "public.tutor_reviews", about: LessonRole::Tutor, by: LessonRole::Parent, roles: &["parent"] },
];

/// Checks the reviews that a write sets, and those that stay when the lesson becomes one of other people.
pub(super) async fn check_reviews(
    db: &mut PgConnection,
    scope: &LessonScope,
    caller: Option<&Caller>,
    draft: &RowDraft,
    problems: &mut Problems,
) -> Result<()> {
    for review in &REVIEWS {
        let field = review.by.review_field();
        let is_written = draft.changes(field) || draft.changes("course_enrollment_id");
        let Some(id) = draft.value(field).as_i64().filter(|_| is_written) else { continue };
        if !references::has_table(db, review.table).await? {
            continue;
        }
        let mut people = match draft.value("course_enrollment_id").as_i64() {
            Some(enrolment) => references::people_of(db, enrolment).await?,
            None => None,
        };
        if let (Some(people), Some(caller)) = (&mut people, caller)
            && review.by == LessonRole::Parent
            && scope.role_in(&draft.current) == Some(LessonRole::Parent)
        {
            let own = own_user(db, caller).await?;
            people.parents.retain(|parent| parent.user.is_some() && parent.user == own);
        }
        let found = references::review(db, review.table, id).await?;
        if !found.is_some_and(|found| review.accepts(&found, people.as_ref(), draft.id)) {
            // The same message for reviews of others, which the caller must not learn of.
            let (about, by) = (review.about.word(), review.by.word());
            let message = format!("there is no review {id} of the {about} of this lesson by its {by}");
            problems.violated(draft.pointer_of(field), "unknown_reference", message);
        }
    }
    Ok(())
}

async fn own_user(db: &mut PgConnection, caller: &Caller) -> Result<Option<i64>> {
    let table = match caller.role {
        Role::Tutor => "public.tutor_profiles",
        Role::Student => "public.student_profiles",
        _ => "public.parent_profiles",
    };
    references::user_of(db, table, caller.subject_id.unwrap_or_default()).await
}

impl ReviewField {
    /// Reports whether a review is one of these people, as far as its table says.
    fn accepts(&self, review: &Review, people: Option<&LessonPeople>, lesson: Option<i64>) -> bool {
        let word = ["user_role", "reviewer_role"].iter().find_map(|name| review.values[*name].as_str());
        if word.is_some_and(|word| !self.roles.contains(&word.trim().to_lowercase().as_str())) {
            return false;
        }
        if number(&review.values["session_id"]).is_some_and(|of| Some(of) != lesson) {
            return false;
        }
        let Some(people) = people else { return true };
        let subject = format!("{}_id", self.about.word());
        is_of(review, &subject, &of_role(people, self.about)) && is_of(review, "reviewer_id", &of_role(people, self.by))
    }
}

fn of_role(people: &LessonPeople, role: LessonRole) -> Vec<LessonPerson> {
    match role {
        LessonRole::Tutor => vec![people.tutor],
        LessonRole::Student => vec![people.student],
        LessonRole::Parent => people.parents.clone(),
    }
}

/// Reports whether a column names one of some people.
///
/// Without a foreign key, an author is a user, which authors of every role are, and a subject is a profile.
fn is_of(review: &Review, column: &str, people: &[LessonPerson]) -> bool {
    let Some(id) = number(&review.values[column]) else { return true };
    let is_user = match review.tables.get(column).map(String::as_str) {
        Some("users") => true,
        Some("tutor_profiles" | "student_profiles" | "parent_profiles") => false,
        Some(_) => return true,
        None => column == "reviewer_id",
    };
    people.iter().any(|person| if is_user { person.user == Some(id) } else { person.profile == id })
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}
