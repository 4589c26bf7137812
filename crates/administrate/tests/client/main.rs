//! The client against a scripted outside: network, time and chance are played, everything else is the real thing.

mod dialect;
mod login;
mod paging;
mod reading;
mod retries;
mod world;
mod writing;
