//! The connections of the server: how many may be open, and which one ends when a client needs its place.
//!
//! Every connection needs a file descriptor, and so do the database and files. At start the soft limit of the process is
//! raised to its hard limit, and a part of it is reserved. When all places are taken, the idlest connection without a
//! request in progress is closed. An address other than loopback may take half of the places.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The most file descriptors that are requested from the system.
const MOST_FILES: u64 = 65_536;

/// File descriptors for the database, uploads and other files.
const RESERVED_FILES: u64 = 128;

/// Raises the soft limit of open files to the hard one. Returns the limit.
pub fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(MOST_FILES);
    let desired = limit.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    if soft >= desired {
        return soft;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(desired), maximum: limit.maximum }) {
        Ok(()) => desired,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            soft
        }
    }
}

/// Returns how many connections fit below a limit of open files; at most `most`.
pub fn connection_limit(files: u64, most: usize) -> usize {
    let reserved = RESERVED_FILES.min(files / 2);
    usize::try_from(files - reserved).unwrap_or(usize::MAX).clamp(1, most.max(1))
}

/// What a connection does: its requests in progress, and the last time that bytes were read or written.
#[derive(Debug)]
pub struct Activity {
    start: Instant,
    last_ms: AtomicU64,
    requests: AtomicUsize,
}

impl Activity {
    fn new(start: Instant) -> Activity {
        let activity = Activity { start, last_ms: AtomicU64::new(0), requests: AtomicUsize::new(0) };
        activity.touch();
        activity
    }

    /// Records that bytes were read or written.
    pub fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// Records a request, which is in progress until the returned value is dropped.
    pub fn begin(self: &Arc<Self>) -> RequestGuard {
        self.requests.fetch_add(1, Ordering::Relaxed);
        RequestGuard(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// A request in progress.
#[derive(Debug)]
pub struct RequestGuard(Arc<Activity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

/// The open connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Connections {
    limit: usize,
    start: Instant,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    places: HashMap<u64, OpenConnection>,
}

#[derive(Debug)]
struct OpenConnection {
    address: IpAddr,
    activity: Arc<Activity>,
    end: CancellationToken,
}

/// The place of an open connection. It is free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPlace {
    connections: Connections,
    number: u64,
    pub activity: Arc<Activity>,
    /// Cancelled when another connection needs the place.
    pub end: CancellationToken,
}

impl Connections {
    /// Creates a register with places for `limit` connections.
    pub fn new(limit: usize) -> Connections {
        Connections { limit, start: Instant::now(), open: Arc::default() }
    }

    /// Gives a connection a place; returns none if its address has too many, or if all places are busy.
    pub fn admit(&self, address: IpAddr) -> Option<ConnectionPlace> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !address.is_loopback() {
            let of_address = open.places.values().filter(|place| place.address == address).count();
            if of_address >= (self.limit / 2).max(1) {
                return None;
            }
        }
        if open.places.len() >= self.limit {
            open.end_idlest()?;
        }
        let number = open.next;
        open.next += 1;
        let (activity, end) = (Arc::new(Activity::new(self.start)), CancellationToken::new());
        open.places.insert(number, OpenConnection { address, activity: activity.clone(), end: end.clone() });
        Some(ConnectionPlace { connections: self.clone(), number, activity, end })
    }

    /// Ends the idlest connection, for example because the process has no file descriptors left.
    pub fn end_idlest(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).end_idlest();
    }
}

impl OpenConnections {
    /// Ends the connection that has been without a request for the longest time; returns none if all are busy.
    fn end_idlest(&mut self) -> Option<()> {
        let idle = self.places.iter().filter(|(_, place)| !place.activity.is_busy());
        let idlest = idle.min_by_key(|(number, place)| (place.activity.last_ms.load(Ordering::Relaxed), **number));
        let number = *idlest?.0;
        self.places.remove(&number)?.end.cancel();
        Some(())
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn limit_leaves_files_for_the_database() {
        for (files, most, expected) in
            [(1024, 4096, 896), (65_536, 4096, 4096), (100, 4096, 50), (1, 4096, 1), (0, 0, 1)]
        {
            assert_eq!(connection_limit(files, most), expected, "{files}");
        }
    }

    #[test]
    fn idlest_connection_without_a_request_ends_first() {
        let connections = Connections::new(3);
        let [busy, first, second] = [(); 3].map(|()| connections.admit(LOOPBACK).expect("a place"));
        let request = busy.activity.begin();
        let third = connections.admit(LOOPBACK).expect("a place");
        assert_eq!([&busy, &first, &second].map(|place| place.end.is_cancelled()), [false, true, false]);
        let requests = [second.activity.begin(), third.activity.begin()];
        assert!(connections.admit(LOOPBACK).is_none(), "all are busy");
        drop(requests);
        drop(request);
        drop(third);
        assert!(connections.admit(LOOPBACK).is_some(), "a place is free");
        assert!(!second.end.is_cancelled());
    }

    #[test]
    fn address_takes_half_of_the_places() {
        let connections = Connections::new(4);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let places = [one, one].map(|address| connections.admit(address).expect("a place"));
        assert!(connections.admit(one).is_none());
        assert!(connections.admit(other).is_some() && connections.admit(LOOPBACK).is_some());
        drop(places);
        assert!(connections.admit(one).is_some());
    }
}
