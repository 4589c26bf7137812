//! The demo: one command that runs everything on a machine where nothing is installed.
//!
//! A sample provider ([`sample`]) or one that is inferred from a timetable ([`from_timetable`]) is inserted into the local
//! tables ([`local`]) and into the simulator of Administrate ([`remote`]). Then the demo runs `sync all`, `import` with
//! delivery and `search`, and serves the site. It calls the same functions as these commands ([`walkthrough`]).
//!
//! No data leaves the machine, even if the environment names an Administrate tenant. A database or folder with other data
//! is refused before anything is written. A second run on the same folder changes nothing.

pub mod cli;
pub mod codes;
pub mod database;
pub mod folder;
pub mod from_timetable;
pub mod lessons;
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
