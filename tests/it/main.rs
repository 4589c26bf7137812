//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod administrate;
mod delivery;
mod demo;
mod demo_fill;
mod import;
mod outbox;
mod provider;
mod rehearsed;
mod schema;
mod search;
mod site;
mod sync_choices;
mod sync_creation;
mod sync_events;
mod sync_faults;
mod sync_kept;
mod sync_matching;
mod sync_story;
mod sync_trouble;
mod tutorials;
mod world;
