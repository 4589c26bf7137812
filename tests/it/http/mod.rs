//! The HTTP interface over a real socket.

mod attempts;
mod contract;
mod follow_up;
mod jobs;
mod restart;
mod runs;
mod tokens;
mod webhook_order;
mod webhooks;
