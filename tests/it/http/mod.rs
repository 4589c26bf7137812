//! The HTTP interface over a real socket.

mod attempts;
mod contract;
mod follow_up;
mod idempotency;
mod jobs;
mod limits;
mod parameters;
mod restart;
mod runs;
mod streams;
mod tokens;
mod webhook_order;
mod webhooks;
