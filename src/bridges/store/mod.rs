//! All SQL on the link tables `adm.*` and on `lectern.agreed`, the table of baselines.

pub mod baseline;
pub mod cascade;
pub mod event_rows;
pub mod events;
pub mod links;
pub mod overrides;
pub mod references;
pub mod spellings;
