//! Addresses that an existing shop calls, with the shapes that it reads. They are read-only, need no token, and are
//! answered from the read model. New programs use the unified search and the routes of the catalogue and of tutorials.

pub mod api;
mod filters;
mod navigation;
mod suggestions;
mod tutorials;
