//! What changes in the catalogue and its tutorials, as a stream for clients that show them.
//!
//! A client receives the ids of events and store products, never their values, and reads what it shows again. It resumes
//! with the version of the last event that it received. When its version is too old, it receives `reset` instead: anything
//! may have changed.

pub mod api;
