//! The sync of each entity: how both sides are read, compared and written.

pub mod course_templates;
pub mod custom_fields;
pub mod events;
pub mod instructors;
pub mod locations;
pub mod price_levels;
pub mod prices;
pub mod venues;
