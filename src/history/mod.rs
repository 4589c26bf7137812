//! The history of the provider's tables: who changed what, when and through which interface.
//!
//! Triggers write it, whichever program changes a table. A program says who acts with [`sign`] or [`sign_run`] at the
//! beginning of its transaction; otherwise the role of the database is named. A state of the past is the present one with
//! the later changes taken back.

pub mod api;
mod as_of;
pub mod pages;
mod store;

pub use self::as_of::as_of;
pub use self::store::{HistoryFilter, actors, latest, note, page, page_of_row, purge, sign, sign_run};

/// The way in which a change comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    Http,
    Import,
    Sync,
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Interface::Http => "http",
            Interface::Import => "import",
            Interface::Sync => "sync",
        }
    }
}
