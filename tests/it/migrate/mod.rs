//! `lectern migrate`: the schema, tables that exist before it, and locks of other programs.

mod existing_tables;
mod locks;
mod reference;
mod schema;
