//! The simulator through real sockets: what it answers, what it refuses, how it fails when told to.

mod catalogue;
mod client;
mod documents;
mod events;
mod every_field;
mod faults;
mod oauth;
mod paging;
mod state;
