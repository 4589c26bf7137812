//! Lectern keeps a training provider's own PostgreSQL, its training management system (Administrate) and its
//! timetable workbooks in step, and answers searches over them. `ARCHITECTURE.md` is the map.

pub mod auth;
pub mod bridges;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod console;
pub mod db;
pub mod delivery;
pub mod demo;
pub mod embedded;
pub mod error;
pub mod identity;
pub mod names;
pub mod outbox;
pub mod requests;
pub mod runs;
pub mod schema;
pub mod search;
pub mod server;
pub mod sync;
pub mod tenant;
pub mod timetable_import;
pub mod tutorials;
pub mod webhooks;
pub mod writable;
