//! The link of one record of ours, read and made.

pub(super) mod store;
