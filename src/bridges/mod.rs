//! Links between local records and Administrate's (`adm.*`), and baselines, the values that both sides had after the last exchange.
//!
//! The modules with row and value types do not use the stores. [`events`] collects types and store functions of events.

pub mod baseline;
pub mod cascade;
pub mod deliverable;
pub mod event_links;
pub mod event_rows;
pub mod events;
pub mod lifecycle;
pub mod overrides;
pub mod reference;
pub mod session_match;
pub mod spelling;
pub mod store;
