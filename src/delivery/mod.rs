//! Delivery: carries out outbox items in Administrate.
//!
//! An event is delivered in steps: it is created and its ids are stored at once in a transaction of their own, then its
//! sessions and its staff are written, then it is published if that was requested. Each step compares the current local
//! values with the baseline and writes only the difference. Delivery is resumable: the next attempt continues after the
//! last stored step.
//!
//! Guarantees: an event is created once. Before a creation is sent, the outbox records that the next attempt has to look
//! in Administrate first. If that does not decide whether the event exists, the item becomes `unknown` and a user decides.
//!
//! Delivery does not decide what is delivered (the operations of `tutorials` enqueue it) and publishes or deletes only on
//! request.

pub mod api;
mod approval_cache;
pub mod cli;
pub mod drain;
pub mod duplicates;
mod error;
mod event;
mod in_doubt;
mod outcome;
pub mod pages;
pub mod reference;
pub mod resolve;
pub mod worker;

pub use drain::{DrainReport, drain};
pub(crate) use error::DeliveryError;
pub use outcome::{DeliveryOutcome, Notice};
pub use worker::DeliveryWorker;
