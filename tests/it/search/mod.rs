//! Search over HTTP on a real database.

mod unified;
