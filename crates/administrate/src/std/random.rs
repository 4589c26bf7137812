//! Randomness of the operating system, through the TLS library.

use crate::call::random::Randomness;

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        let source = rustls::crypto::ring::default_provider().secure_random;
        // Without entropy every wait is the shortest possible: only the spread of retries is lost.
        let _ = source.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
