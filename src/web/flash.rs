//! A message for the next page: what a form has done, shown once after the redirect.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::format::sentence;
use crate::http::auth::cookie;

/// The name of the cookie with the message.
const FLASH_COOKIE: &str = "lectern_flash";

/// Longest message, in characters: browsers limit cookies to 4 KB.
const MAX_CHARS: usize = 300;

/// A message for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    pub text: String,
    /// Whether something failed.
    pub is_problem: bool,
}

impl Flash {
    /// Creates a message about something that was done.
    pub fn done(text: impl Into<String>) -> Flash {
        Flash { text: text.into(), is_problem: false }
    }

    /// Creates a message about something that failed.
    pub fn problem(text: impl AsRef<str>) -> Flash {
        Flash { text: sentence(text.as_ref()), is_problem: true }
    }

    /// Returns the message of a request.
    pub fn of(headers: &HeaderMap) -> Option<Flash> {
        let value = cookie(headers, FLASH_COOKIE)?;
        let text = percent_decode_str(value.get(1..)?).decode_utf8().ok()?;
        let is_problem = match value.get(..1)? {
            "p" => true,
            "d" => false,
            _ => return None,
        };
        (!text.is_empty()).then(|| Flash { text: text.into_owned(), is_problem })
    }

    /// Adds the message to a redirect.
    pub fn add_to(&self, response: &mut Response) {
        let text: String = self.text.chars().take(MAX_CHARS).collect();
        let kind = if self.is_problem { 'p' } else { 'd' };
        set_cookie(response, &format!("{kind}{}; Max-Age=60", utf8_percent_encode(&text, NON_ALPHANUMERIC)));
    }

    /// Removes the message of a request, which the response shows.
    pub fn clear(response: &mut Response) {
        set_cookie(response, "; Max-Age=0");
    }
}

fn set_cookie(response: &mut Response, value: &str) {
    let cookie = format!("{FLASH_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_survives_the_cookie() {
        for flash in [Flash::done("2 corrections; \"é\" = £5"), Flash::problem("No")] {
            let mut response = Response::new(axum::body::Body::empty());
            flash.add_to(&mut response);
            let set = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
            let pair = set.split(';').next().expect("a pair");
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(pair).expect("a value"))]);
            assert_eq!(Flash::of(&headers), Some(flash));
        }
        for value in ["lectern_flash=", "lectern_flash=x", "lectern_flash=d", "lectern_flash=d%FF", "other=dx"] {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(value))]);
            assert_eq!(Flash::of(&headers), None, "{value}");
        }
    }
}
