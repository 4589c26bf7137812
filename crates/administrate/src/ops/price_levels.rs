//! Price levels: the tariffs that a course template's prices belong to.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::paging::Connection;

/// A price level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLevel {
    /// Global id.
    pub id: Id,
    /// Name.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub description: Option<String>,
}

impl Client {
    /// Returns every price level, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn price_levels(&self) -> Result<Vec<PriceLevel>, Error> {
        self.list(&Connection {
            operation: "priceLevels",
            root: "priceLevels",
            filters: vec![],
            selection: "id name description".to_owned(),
        })
        .await
    }
}
