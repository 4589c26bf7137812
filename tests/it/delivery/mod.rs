//! Delivery of events to Administrate through the outbox.

mod cancelled;
mod events;
mod outbox;
mod remote_changes;
mod steps;
