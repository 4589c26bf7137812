//! The tables of tutorials as documents of the API.

pub mod events;
mod fields;
pub mod people;
pub mod places;
pub mod sessions;

use crate::resources::TableResource;

/// The resources of tutorials.
pub static RESOURCES: [&TableResource; 7] = [
    &events::EVENTS,
    &sessions::SESSIONS,
    &places::COURSE_TEMPLATES,
    &places::LOCATIONS,
    &places::VENUES,
    &people::INSTRUCTORS,
    &people::STAFF,
];
