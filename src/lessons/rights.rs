//! Who sees a lesson, and what they may change.

use axum::http::StatusCode;
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::error::Result;
use crate::http::problem::HttpProblem;
use crate::identity::{Caller, Role};

/// What a person is in a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonRole {
    Tutor,
    Student,
    Parent,
}

impl LessonRole {
    /// Every role, the one with the most rights first.
    pub const ALL: [LessonRole; 3] = [LessonRole::Tutor, LessonRole::Student, LessonRole::Parent];

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tutor => "tutor",
            Self::Student => "student",
            Self::Parent => "parent",
        }
    }

    /// Returns the role of a word.
    pub fn of(word: &str) -> Option<LessonRole> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Returns the field with the review that the person writes.
    pub fn review_field(self) -> &'static str {
        match self {
            Self::Tutor => "tutor_review_id",
            Self::Student => "student_review_id",
            Self::Parent => "parent_review_id",
        }
    }
}

/// The lessons that a caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonScope {
    /// All lessons, also those without an enrolment.
    All,
    /// All lessons that have an enrolment.
    Enrolled,
    /// The lessons of one person.
    Own(OwnProfiles),
}

/// The profiles through which a person has lessons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnProfiles {
    pub tutors: Vec<i64>,
    pub students: Vec<i64>,
    /// Children of the person.
    pub children: Vec<i64>,
}

impl OwnProfiles {
    /// Returns the role of the person in a lesson of a tutor and a student, the one with the most rights.
    fn role(&self, tutor: Option<i64>, student: Option<i64>) -> Option<LessonRole> {
        let contains = |ids: &[i64], id: Option<i64>| id.is_some_and(|id| ids.contains(&id));
        LessonRole::ALL.into_iter().find(|role| match role {
            LessonRole::Tutor => contains(&self.tutors, tutor),
            LessonRole::Student => contains(&self.students, student),
            LessonRole::Parent => contains(&self.children, student),
        })
    }
}

impl LessonScope {
    /// Returns the lessons that a caller sees. A person has those of all their profiles.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of(db: &mut PgConnection, caller: &Caller) -> Result<LessonScope> {
        let subject = caller.subject_id.unwrap_or_default();
        Ok(match caller.role {
            Role::Admin | Role::Operator => LessonScope::All,
            Role::Reader => LessonScope::Enrolled,
            Role::Tutor => LessonScope::Own(store::rights::profiles(db, LessonRole::Tutor.word(), subject).await?),
            Role::Student => LessonScope::Own(store::rights::profiles(db, LessonRole::Student.word(), subject).await?),
            Role::Parent => LessonScope::Own(store::rights::profiles(db, LessonRole::Parent.word(), subject).await?),
        })
    }

    /// Returns what the caller is in a lesson; none if it is another person's, or if they see it as staff.
    pub fn role_in(&self, lesson: &Value) -> Option<LessonRole> {
        match self {
            LessonScope::All | LessonScope::Enrolled => None,
            LessonScope::Own(own) => own.role(lesson["tutor_id"].as_i64(), lesson["student_id"].as_i64()),
        }
    }

    /// Reports whether the caller sees a lesson.
    pub fn sees(&self, lesson: &Value) -> bool {
        match self {
            LessonScope::All => true,
            LessonScope::Enrolled => !lesson["course_enrollment_id"].is_null(),
            LessonScope::Own(_) => self.role_in(lesson).is_some(),
        }
    }

    /// Checks whether the caller may create lessons.
    ///
    /// # Errors
    /// 403.
    pub fn check_creation(&self) -> std::result::Result<(), HttpProblem> {
        match self {
            LessonScope::All => Ok(()),
            LessonScope::Own(own) if !own.tutors.is_empty() => Ok(()),
            LessonScope::Enrolled | LessonScope::Own(_) => Err(forbidden("create lessons")),
        }
    }

    /// Checks whether the caller may change fields of a lesson.
    ///
    /// # Errors
    /// 404 if the lesson is another person's, 403 if the change is not their right.
    pub fn check_change<'a>(
        &self,
        lesson: &Value,
        mut changed: impl Iterator<Item = &'a str>,
    ) -> std::result::Result<(), HttpProblem> {
        match (self, self.role_in(lesson)) {
            _ if !self.sees(lesson) => Err(unknown_lesson()),
            (LessonScope::All, _) | (_, Some(LessonRole::Tutor)) => Ok(()),
            (LessonScope::Enrolled, _) | (_, None) => Err(forbidden("change lessons")),
            (_, Some(role)) => match changed.find(|field| *field != role.review_field()) {
                None => Ok(()),
                Some(field) => {
                    let own = role.review_field();
                    Err(forbidden(&format!("change {field} of a lesson as its {}, only {own}", role.word())))
                }
            },
        }
    }

    /// Checks whether the caller may delete a lesson.
    ///
    /// # Errors
    /// 404 if the lesson is another person's, 403 if it is not their right.
    pub fn check_deletion(&self, lesson: &Value) -> std::result::Result<(), HttpProblem> {
        match (self, self.role_in(lesson)) {
            _ if !self.sees(lesson) => Err(unknown_lesson()),
            (LessonScope::All, _) | (_, Some(LessonRole::Tutor)) => Ok(()),
            _ => Err(forbidden("delete lessons")),
        }
    }

    /// Checks whether lessons of an enrolment with this tutor are the caller's to plan.
    ///
    /// # Errors
    /// 404 if the enrolment is another tutor's, or does not exist.
    pub fn check_enrolment(&self, tutor: Option<i64>) -> std::result::Result<(), HttpProblem> {
        match self {
            LessonScope::Own(own) if !tutor.is_some_and(|tutor| own.tutors.contains(&tutor)) => {
                let detail = "there is no such enrolment of yours: give the id of one in course_enrollment_id";
                Err(HttpProblem::new(StatusCode::NOT_FOUND, detail))
            }
            _ => Ok(()),
        }
    }
}

fn forbidden(what: &str) -> HttpProblem {
    HttpProblem::new(StatusCode::FORBIDDEN, format!("the role of this token does not suffice to {what}"))
}

/// Returns the response for a lesson that does not exist, or that is another person's.
pub fn unknown_lesson() -> HttpProblem {
    HttpProblem::new(StatusCode::NOT_FOUND, "there is no such lesson")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every caller against every lesson: what they see, change and delete.
    #[test]
    fn rights_follow_the_role_in_the_lesson() {
        let own = |tutors: &[i64], students: &[i64], children: &[i64]| {
            let list = |ids: &[i64]| ids.to_vec();
            LessonScope::Own(OwnProfiles { tutors: list(tutors), students: list(students), children: list(children) })
        };
        let lesson = json!({ "course_enrollment_id": 5, "tutor_id": 1, "student_id": 2 });
        let orphan = json!({ "course_enrollment_id": null, "tutor_id": null, "student_id": null });
        let status =
            |outcome: std::result::Result<(), HttpProblem>| outcome.map_or_else(|p| p.status().as_u16(), |()| 200);
        for (name, scope, on_lesson, on_orphan, creation) in [
            ("operator", LessonScope::All, [200, 200, 200], [200, 200, 200], 200),
            ("reader", LessonScope::Enrolled, [403, 403, 403], [404, 404, 404], 403),
            ("tutor", own(&[1], &[], &[]), [200, 200, 200], [404, 404, 404], 200),
            ("other tutor", own(&[2], &[1], &[1]), [404, 404, 404], [404, 404, 404], 200),
            ("student", own(&[], &[2], &[]), [403, 200, 403], [404, 404, 404], 403),
            ("parent", own(&[], &[], &[2]), [403, 403, 403], [404, 404, 404], 403),
            ("tutor and parent", own(&[1], &[], &[2]), [200, 200, 200], [404, 404, 404], 200),
        ] {
            let checks = |lesson: &Value| {
                [
                    status(scope.check_change(lesson, ["topics"].into_iter())),
                    status(scope.check_change(lesson, ["student_review_id"].into_iter())),
                    status(scope.check_deletion(lesson)),
                ]
            };
            assert_eq!(checks(&lesson), on_lesson, "{name}");
            assert_eq!(checks(&orphan), on_orphan, "{name}");
            assert_eq!(status(scope.check_creation()), creation, "{name}");
        }
    }
}
