//! Price levels: the tariffs that a course template's prices belong to.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::paging::Listing;

/// A price level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLevel {
    /// Global id.
    pub id: Id,
    /// Name.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub description: Option<String>,
}

impl Client {
    /// Every price level, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where the list stays inconsistent.
    pub async fn price_levels(&self) -> Result<Vec<PriceLevel>, Error> {
        self.list(&Listing {
            operation: "priceLevels",
            root: "priceLevels",
            filters: vec![],
            selection: "id name description".to_owned(),
        })
        .await
    }
}
