//! Which lessons of a series a request means: one, this and the following ones, or all.

mod change;
mod deletion;
mod division;
mod target;

pub(super) use self::change::change;
pub(super) use self::deletion::remove;
pub(super) use self::target::{LessonTarget, PARAMETERS, parse, resolve};
