//! Client.
/// Error.
#[derive(Debug, thiserror::Error)]
#[error("e")]
pub struct Error;
