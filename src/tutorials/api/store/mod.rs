//! SQL of the routes of tutorials, beyond the tables of their resources.

pub mod clashes;
pub mod events;
pub mod people;
pub mod sessions;
