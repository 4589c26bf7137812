//! All SQL on people and enrolments beyond what their resources read and write.

pub mod enrolments;
pub mod families;
pub mod users;
