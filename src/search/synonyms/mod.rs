//! Words that find the same in a search, chosen by the provider.
//!
//! A search for the word also finds each of its synonyms. It does not work backwards: a synonym is an entry of its own.

pub mod api;
pub mod cli;
mod store;
