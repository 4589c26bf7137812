//! Building blocks of the pages: layout, assets, login sessions, forms, messages and formats.
//!
//! Every action is a plain form: a page that changes something answers with a redirect, so that loading again repeats
//! nothing. Scripts only improve. A visitor never sees a JSON document.

pub mod assets;
pub mod changes;
pub mod document;
pub mod fields;
pub mod flash;
pub mod form;
pub mod format;
pub mod frame;
pub mod paging;
pub mod problem;
pub mod run;
pub mod typed_time;
pub mod visitor;
