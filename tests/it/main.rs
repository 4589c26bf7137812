//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod demo_fill;
mod outbox;
mod provider;
mod schema;
mod tutorials;
mod world;
