//! The addresses of Administrate: the client secret is sent there.

use std::net::IpAddr;

use reqwest::Url;

use super::Administrate;
use crate::error::{Error, Result};

/// Checks that each address that is set is encrypted, or on this machine, and contains no password.
///
/// # Errors
/// [`Error::Usage`] that names the setting. It does not repeat an address that may contain a password.
pub(super) fn check(administrate: &Administrate) -> Result<()> {
    for (variable, setting, address) in [
        ("ADMINISTRATE_API_URL", "api_url", &administrate.api_url),
        ("ADMINISTRATE_AUTH_URL", "auth_url", &administrate.auth_url),
        ("ADMINISTRATE_INSTANCE_URL", "instance_url", &administrate.instance_url),
    ] {
        if let Some(fault) = fault_of(address.trim()) {
            return Err(Error::Usage(format!("{variable} (administrate.{setting}): {fault}")));
        }
    }
    Ok(())
}

/// Returns what is wrong with an address; an empty one is not set.
fn fault_of(address: &str) -> Option<String> {
    if address.is_empty() {
        return None;
    }
    let Some(url) = Url::parse(address).ok().filter(|url| url.has_host()) else {
        return Some("this is not an address: write one like https://api.example.com/graphql".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some(
            "an address must not contain a user or password: remove the part before the @; the login uses \
             ADMINISTRATE_CLIENT_ID and ADMINISTRATE_CLIENT_SECRET"
                .to_owned(),
        );
    }
    match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => Some(format!(
            "http://{} is not encrypted, and secrets are sent there: write https:// (http is accepted only on this \
             machine)",
            url.host_str().unwrap_or_default()
        )),
        other => Some(format!("{other}:// is not supported: write an address that begins with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_encrypted_or_on_this_machine_and_has_no_password() {
        for accepted in [
            "",
            "https://api.example.com/graphql",
            "HTTPS://api.example.com",
            "http://127.0.0.1:4000/graphql",
            "http://127.9.9.9",
            "http://[::1]:1/x",
            "http://localhost:1",
        ] {
            assert_eq!(fault_of(accepted), None, "{accepted}");
        }
        for (refused, expected) in [
            ("http://api.example.com/graphql", "not encrypted"),
            ("http://localhost.example.com", "not encrypted"),
            ("http://128.0.0.1", "not encrypted"),
            ("ftp://api.example.com", "https://"),
            ("api.example.com/graphql", "not an address"),
            ("https://", "not an address"),
            ("https://user:s3cr3tpw@api.example.com", "must not contain a user"),
            ("http://s3cr3tpw@127.0.0.1", "must not contain a user"),
            ("http://user:s3cr3tpw@api.example.com", "must not contain a user"),
        ] {
            let fault = fault_of(refused).unwrap_or_default();
            assert!(fault.contains(expected) && !fault.contains("s3cr3tpw"), "{refused}: {fault}");
        }
    }
}
