//! Locations: the towns and the online places where events are held.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Created, Mutation};
use crate::paging::Listing;
use crate::schema::document::Arg;

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Global id.
    pub id: Id,
    /// Name, as shown to customers; empty where the tenant left it blank.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Short code, if any.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub code: Option<String>,
    /// The numeric part of the id, if told.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub legacy_id: Option<String>,
}

/// A location to be created, where the tenant's API can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocation {
    /// Name.
    pub name: String,
    /// Short code.
    pub code: Option<String>,
}

impl Client {
    /// Every location, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where the list stays inconsistent.
    pub async fn locations(&self) -> Result<Vec<Location>, Error> {
        self.list(&Listing {
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
    /// [`Error::Unsupported`] where the API has no `location.create`; otherwise as every mutation.
    pub async fn create_location(&self, location: &NewLocation) -> Result<Created, Error> {
        let mut mutation = Mutation::new("location.create", "location");
        mutation.input("name", Arg::Text(location.name.clone()));
        mutation.input_some("code", location.code.clone().map(Arg::Text));
        self.create(&mutation).await
    }
}
