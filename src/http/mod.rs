//! Building blocks of the HTTP interfaces.

pub mod auth;
pub mod etag;
pub mod json;
pub mod problem;
pub mod state;
