//! Work that is divided among threads.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

/// Items from which dividing the work takes less time than it saves.
pub const MANY_ITEMS: usize = 10_000;

/// Returns the result of a thread.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
