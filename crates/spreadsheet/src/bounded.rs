//! Lists and texts that must not grow without bound.

use std::sync::Arc;

use super::ReadError;
use super::limits::MAX_TEXT_RUN_BYTES;

/// Appends to a list of at most `max` items; `items` names them in the error.
pub(crate) fn push_bounded<T>(list: &mut Vec<T>, max: usize, items: &str, item: T) -> Result<(), ReadError> {
    if list.len() >= max {
        return Err(ReadError::TooLarge(format!("it has over {max} {items}")));
    }
    list.push(item);
    Ok(())
}

/// Appends to the text of a cell, which has at most [`MAX_TEXT_RUN_BYTES`].
pub(crate) fn append_bounded(text: &mut String, addition: &str) -> Result<(), ReadError> {
    text.push_str(addition);
    if text.len() > MAX_TEXT_RUN_BYTES {
        return Err(ReadError::TooLarge(format!("a cell holds over {} MB of text", MAX_TEXT_RUN_BYTES >> 20)));
    }
    Ok(())
}

/// Removes NUL characters, which no program writes and PostgreSQL does not store.
pub(crate) fn without_nul(text: &str) -> Arc<str> {
    if text.contains('\0') { Arc::from(text.replace('\0', "")) } else { Arc::from(text) }
}
