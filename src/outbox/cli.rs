//! `lectern outbox`.
