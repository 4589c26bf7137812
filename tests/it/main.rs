//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod catalogue;
mod catalogue_workbook;
mod command_line;
mod delivery;
mod demo;
mod doctor;
mod fault_injection_smoke;
mod fixtures;
mod golden;
mod history;
mod hostile;
mod http;
mod import;
mod lessons;
mod migrate;
mod private_database;
mod retention;
mod search;
mod sync;
mod torture;
mod tutorials;
mod web;
