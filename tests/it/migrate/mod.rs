//! `lectern migrate`: the schema, tables that exist before it, and locks that others hold.

mod existing_tables;
mod locks;
mod schema;
