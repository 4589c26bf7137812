//! People of the lessons: tutors, students and parents, and who is enrolled with whom.
//!
//! Names and addresses are those of the user of a profile. Parents and children are stored on both sides; every write sets
//! both.

pub mod api;
mod hooks;
pub mod pages;
pub mod resources;
mod store;
