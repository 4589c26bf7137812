//! The HTTP interface over a real socket.

mod attempts;
mod browsers;
mod clients;
mod contract;
mod description;
mod follow_up;
mod idempotency;
mod jobs;
mod limits;
mod parameters;
mod restart;
mod runs;
mod sign_in;
mod streams;
mod tokens;
mod webhook_order;
mod webhooks;
