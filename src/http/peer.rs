//! The address of a client.
//!
//! A request with forwarding headers came through a proxy: it is never from this machine. The address in them is believed
//! only if the proxy is one of `http.trusted_proxies`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};

/// Headers that proxies add.
const FORWARDING: [HeaderName; 5] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// The other end of a connection. The server adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// Whether the client is on this machine, without a proxy between.
    pub is_loopback: bool,
}

/// Returns the client of a request.
pub fn client(peer: PeerAddress, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> Client {
    let peer = peer.0.to_canonical();
    if !FORWARDING.iter().any(|name| headers.contains_key(name)) {
        return Client { address: peer, is_loopback: peer.is_loopback() };
    }
    let is_trusted = |address: &IpAddr| trusted_proxies.iter().any(|proxy| proxy.to_canonical() == *address);
    let forwarded = headers.get_all(&FORWARDING[1]).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<Option<IpAddr>> =
        forwarded.flat_map(|value| value.split(',')).map(|hop| hop.trim().parse().ok()).collect();
    // From the nearest hop outwards, as long as a trusted proxy says so.
    let mut address = peer;
    for hop in hops.into_iter().rev() {
        match hop {
            Some(hop) if is_trusted(&address) => address = hop.to_canonical(),
            _ => break,
        }
    }
    Client { address, is_loopback: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_the_client() {
        let peer = |text: &str| PeerAddress(text.parse().expect("an address"));
        let trusted = ["127.0.0.1".parse().expect("an address"), "10.0.0.2".parse().expect("an address")];
        for (from, forwarded, address, is_loopback) in [
            ("127.0.0.1", None, "127.0.0.1", true),
            ("::ffff:127.0.0.1", None, "127.0.0.1", true),
            ("192.0.2.1", None, "192.0.2.1", false),
            ("127.0.0.1", Some("203.0.113.9"), "203.0.113.9", false),
            ("127.0.0.1", Some("198.51.100.7, 203.0.113.9"), "203.0.113.9", false),
            ("127.0.0.1", Some("203.0.113.9, 10.0.0.2"), "203.0.113.9", false),
            ("127.0.0.1", Some("nonsense"), "127.0.0.1", false),
            ("192.0.2.1", Some("203.0.113.9"), "192.0.2.1", false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert("x-forwarded-for", forwarded.parse().expect("a value"));
            }
            let expected = Client { address: address.parse().expect("an address"), is_loopback };
            assert_eq!(client(peer(from), &headers, &trusted), expected, "{from} {forwarded:?}");
        }
    }
}
