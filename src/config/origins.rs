//! The origins whose pages may call the API.

use reqwest::Url;
use serde::Deserialize;

/// The value of the setting `cors_origins`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CorsOrigins {
    /// Whether every origin may call the routes of search, without credentials.
    pub any_may_search: bool,
    /// Origins that may call every route, with credentials.
    pub listed: Vec<String>,
}

impl TryFrom<String> for CorsOrigins {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut origins = CorsOrigins::default();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            match word {
                "*" => origins.any_may_search = true,
                word => origins.listed.push(origin(word)?),
            }
        }
        Ok(origins)
    }
}

/// Returns an origin in the form in which browsers send it.
fn origin(text: &str) -> Result<String, String> {
    let invalid = || {
        format!(
            "cors_origins (LECTERN_CORS_ORIGINS): \"{text}\" is not an origin: write one like https://shop.example.com, \
             without a path, or *"
        )
    };
    let url = Url::parse(text).ok().filter(|_| !text.contains('*')).ok_or_else(invalid)?;
    let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    let has_user = !url.username().is_empty() || url.password().is_some();
    match matches!(url.scheme(), "http" | "https") && url.has_host() && !has_more && !has_user {
        true => Ok(url.origin().ascii_serialization()),
        false => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_the_form_that_browsers_send() {
        let read = |text: &str| CorsOrigins::try_from(text.to_owned());
        let origins = read("https://Shop.example:443/, http://localhost:3000 *").expect("valid");
        assert_eq!(origins.listed, ["https://shop.example", "http://localhost:3000"]);
        assert!(origins.any_may_search);
        assert_eq!(read(""), Ok(CorsOrigins::default()));
        for wrong in ["shop.example", "https://shop.example/cart", "ftp://shop.example", "https://*", "https://u:p@a.b"]
        {
            let message = read(wrong).err().unwrap_or_default();
            assert!(message.contains("LECTERN_CORS_ORIGINS"), "{wrong}: {message}");
        }
    }
}
