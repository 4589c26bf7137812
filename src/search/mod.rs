//! Unified search: products, their tutorial events and sessions, and bundles, in one answer.
//!
//! Promises: the request and the response of contract §5 to the key; every answer is computed from one snapshot of the
//! database, held in memory, and names its version; what was written is found at once by the process that wrote it and
//! within 250 ms by every other. A request never touches PostgreSQL.
//!
//! Does not: write anything, know who asks (beyond whether session addresses are shown), or remember answers.
//!
//! The way of a question: [`query`] (parse) → [`unified`] ([`ranking`] for the text, [`filters`], [`facets`]) → [`response`].
//! The way of the data: `store` (SQL) → [`rows`] → [`index`], swapped by `follow` whenever PostgreSQL tells of a change.

pub mod api;
pub mod categories;
pub mod cli;
pub mod compose;
pub mod facets;
pub mod filters;
pub mod follow;
pub mod index;
pub mod page;
pub mod query;
pub mod ranking;
pub mod response;
pub mod rows;
pub mod siblings;
pub mod store;
pub mod text;
pub mod unified;

#[cfg(test)]
mod tests;
