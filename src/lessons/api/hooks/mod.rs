//! What lessons and holidays do beyond their own table.

mod holiday;
mod lesson;
mod review;
mod status;

pub use holiday::HolidayHooks;
pub use lesson::{LessonHooks, NOTES, SOURCE};
