//! The HTTP server.

pub mod problem;
