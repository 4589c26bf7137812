//! What documents of tutorials do beyond their own table.

mod event;
mod people;
mod reference;
mod session;

pub use event::EventHooks;
pub use people::{StaffHooks, TeacherHooks};
pub use reference::ReferenceHooks;
pub use session::SessionHooks;
