//! Locations: the towns and online places where events take place.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{CreatedRecord, Mutation};
use crate::paging::Connection;
use crate::schema::document::Arg;

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Global id.
    pub id: Id,
    /// Name, as shown to customers; empty if blank in Administrate.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Short code, if any.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub code: Option<String>,
    /// The numeric part of the id, if the response contains it.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub legacy_id: Option<String>,
}

/// A location to be created, if the tenant's API supports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocation {
    /// Name.
    pub name: String,
    /// Short code.
    pub code: Option<String>,
}

impl Client {
    /// Returns every location, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn locations(&self) -> Result<Vec<Location>, Error> {
        self.list(&Connection {
            operation: "locations",
            root: "locations",
            filters: vec![],
            selection: "id name code legacyId".to_owned(),
        })
        .await
    }

    /// Creates a location.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the API has no `location.create`; otherwise as every mutation.
    pub async fn create_location(&self, location: &NewLocation) -> Result<CreatedRecord, Error> {
        let mut mutation = Mutation::new("location.create", "location");
        mutation.input("name", Arg::Text(location.name.clone()));
        mutation.input_if_some("code", location.code.clone().map(Arg::Text));
        self.create(&mutation).await
    }
}
