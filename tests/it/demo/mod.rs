//! `lectern demo`.

mod sample;
mod walkthrough;
