//! The links with Administrate (`adm.*`): our id beside theirs, and the values on which both sides last agreed.

pub mod events;
pub mod reference;
