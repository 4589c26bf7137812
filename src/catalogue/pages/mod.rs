//! The pages of the catalogue: how people see its tables, and the copy of an exam session.

mod copy_page;
mod tables;

pub use self::copy_page::router;
pub use self::tables::TABLES;
