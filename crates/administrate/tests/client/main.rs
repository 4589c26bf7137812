//! The client against a scripted outside: network, time and chance are played, everything else is the real thing. The
//! production transport is tried on real sockets.

mod allowance;
mod dialect;
mod http;
mod login;
mod paging;
mod reading;
mod retries;
mod world;
mod writing;
