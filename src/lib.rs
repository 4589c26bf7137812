//! Keeps a training provider's PostgreSQL, Administrate (its training management system) and its timetable workbooks
//! in step, and searches the catalogue. `ARCHITECTURE.md` describes the modules.

pub mod app;
pub mod background;
pub mod backoff;
pub mod bridges;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod console;
pub mod database;
pub mod delivery;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod embedded;
pub mod error;
pub mod files;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod merge;
pub mod migrate;
pub mod names;
pub mod outbox;
pub mod output_file;
pub mod resources;
pub mod retention;
pub mod runs;
pub mod search;
pub mod serve;
pub mod sync;
pub mod text;
pub mod timetable_import;
pub mod tutorials;
pub mod webhooks;
