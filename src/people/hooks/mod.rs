//! What people and enrolments do beyond their own table.

mod enrolment;
mod person;

pub use enrolment::EnrolmentHooks;
pub use person::{PersonHooks, PersonKind};
