//! The demo: on a machine that has nothing yet, everything at work with one command.
//!
//! A training provider is thought up ([`invented`]) or inferred from somebody's timetable ([`rehearsal`]), brought into our
//! tables ([`ours`]) and into the simulator of Administrate ([`theirs`]); then the commands that anybody would use are
//! carried out on it: `sync all`, `import` with delivery, a search, and serving the site.
//!
//! Promises: nothing leaves this machine, whatever the environment says of Administrate; a database or folder that is
//! somebody's is refused before anything is written; a second run on the same folder changes nothing.
//!
//! Does not: have a way of its own to do anything that a command does.

pub mod cli;
pub mod codes;
pub mod database;
pub mod folder;
pub mod from_timetable;
pub mod local;
pub mod provider;
pub mod remote;
pub mod sample;
pub mod simulator;
pub mod site;
pub mod source;
pub mod steps;
pub mod store;
pub mod timetable;
pub mod walkthrough;
pub mod workbook;
