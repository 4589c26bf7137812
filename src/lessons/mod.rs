//! Lessons: dates on which a tutor teaches a student, their series, and holidays.
//!
//! The tutor and the student of a lesson are those of its enrolment. A person sees the lessons in which they are tutor,
//! student, or parent of the student.

pub mod api;
pub mod pages;
pub mod recurrence;
mod rights;
mod store;
