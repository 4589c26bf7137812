//! The links with Administrate (`adm.*`): our id beside theirs, and the values on which both sides last agreed.

pub mod baseline;
pub mod cascade;
pub mod event_rows;
pub mod events;
pub mod overrides;
pub mod reference;
pub mod session_match;
pub mod store;
