//! SQL on the catalogue and the statistics of PostgreSQL. Every statement only reads.

mod activity;
mod lessons;
mod schema;
mod server;

pub(super) use activity::{
    IdleTransaction, ReplicationSlot, compat_views, idle_transactions, replication_slots, statement_statistics,
    statements_on_views,
};
pub(super) use lessons::lessons;
pub(super) use schema::{
    MissingGrant, SequenceUse, highest_value, invalid_indexes, missing_grants, missing_migration_rights, sequence_uses,
    unvalidated_constraints,
};
pub(super) use server::{ServerFacts, clock, server_facts, zone_offsets};
