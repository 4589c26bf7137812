//! Every test that needs a real PostgreSQL or a real socket, in one binary.

mod administrate;
mod delivery;
mod delivery_steps;
mod demo;
mod demo_fill;
mod identity;
mod import;
mod import_conflicts;
mod import_ends;
mod import_hostile;
mod outbox;
mod provider;
mod rehearsed;
mod requests;
mod schema;
mod search;
mod site;
mod sync_choices;
mod sync_events;
mod sync_matching;
mod sync_story;
mod sync_trouble;
mod torture;
mod tutorials;
mod webhooks;
mod world;
