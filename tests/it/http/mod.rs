//! The HTTP interface over a real socket.

mod contract;
pub mod jobs;
mod runs;
mod tokens;
mod webhooks;
