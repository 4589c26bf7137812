//! Unified search: products, their tutorial events and sessions, and bundles, in one response.
//!
//! Guarantees: every response is computed from one snapshot of the database, in memory, and names its version. The
//! process that wrote a change finds it at once, every other process within 250 ms. A request never touches PostgreSQL.
//! Request and response keys are those of the search API that clients already use.
//!
//! Limits: search writes nothing, does not know the caller (except whether session URLs are shown to everyone), and does
//! not cache responses.
//!
//! Path of a request: [`query`] parses, filters, ranks, counts facets and pages; `compose` builds the [`response`].
//! Path of the data: `store` (SQL) → [`read_model::rows`] → [`read_model`], which [`read_model::follow`] replaces after
//! every change that PostgreSQL reports.

pub mod api;
pub mod cli;
pub mod compose;
pub mod legacy;
pub mod pages;
pub mod query;
pub mod read_model;
pub mod response;
pub mod shop;
pub mod store;
pub mod synonyms;

#[cfg(test)]
mod tests;
