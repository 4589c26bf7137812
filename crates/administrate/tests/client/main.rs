//! The client in a scripted environment: network, time and randomness are scripted, everything else is real.
//!
//! The standard transport is tested on real sockets.

mod dialect;
mod environment;
mod http;
mod login;
mod paging;
mod rate_limiter;
mod reading;
mod retries;
mod writing;
