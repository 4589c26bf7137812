//! The simulator over real sockets: its responses, its rejections and its injected faults.

mod catalogue;
mod client;
mod documents;
mod events;
mod every_field;
mod faults;
mod oauth;
mod paging;
mod state;
