//! Building blocks of the HTTP interfaces.

pub mod auth;
pub mod direct;
pub mod etag;
pub mod idempotency;
pub mod json;
pub mod openapi;
pub mod page;
pub mod parameters;
pub mod peer;
pub mod problem;
pub mod query;
pub mod shared_body;
pub mod state;
pub mod streams;
