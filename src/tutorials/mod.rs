//! Tutorials: events, their sessions, and what both refer to (`acted.tutorial_*`).

pub mod references;
