//! `lectern migrate`: the schema, tables that exist before it, and locks of other programs.

pub mod adoption;
mod compatibility;
mod existing_tables;
mod grants;
mod lessons;
mod lint;
mod locks;
mod reference;
mod references;
mod schema;
mod uninstall;
