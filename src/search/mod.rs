//! Unified search: products, their tutorial events and sessions, and bundles, in one answer.
//!
//! Promises: the request and the response of contract §5 to the key; every answer is computed from one snapshot of the
//! database, held in memory, and names its version; what was written is found at once by the process that wrote it and
//! within 250 ms by every other. A request never touches PostgreSQL.
//!
//! Does not: write anything, know who asks (beyond whether session addresses are shown), or remember answers.
//!
//! The way of a question: [`query`] (parse) → [`query::search`] ([`read_model::ranking`] for the text,
//! [`query::filters`], [`query::facets`]) → [`response`].
//! The way of the data: `store` (SQL) → [`read_model::rows`] → [`read_model`], swapped by `follow` whenever PostgreSQL
//! tells of a change.

pub mod api;
pub mod cli;
pub mod compose;
pub mod legacy;
pub mod pages;
pub mod query;
pub mod read_model;
pub mod response;
pub mod store;

#[cfg(test)]
mod tests;
