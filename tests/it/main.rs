//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod schema;
mod world;
