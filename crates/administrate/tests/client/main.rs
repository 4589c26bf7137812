//! The client against a scripted outside: network, time and chance are played, everything else is the real thing. The
//! production transport is tried on real sockets.

mod dialect;
mod environment;
mod http;
mod login;
mod paging;
mod rate_limiter;
mod reading;
mod retries;
mod writing;
