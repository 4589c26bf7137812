//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod import;
mod outbox;
mod provider;
mod rehearsed;
mod schema;
mod tutorials;
mod world;
