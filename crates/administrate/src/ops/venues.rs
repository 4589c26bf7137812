//! Venues: the rooms and houses at a location.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{CreatedRecord, Mutation};
use crate::paging::Connection;
use crate::schema::document::Arg;

/// A venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// Global id.
    pub id: Id,
    /// Name; at most unique within its location.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub description: Option<String>,
    /// Its location, if it has one.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::object_id")]
    pub location_id: Option<Id>,
}

/// A venue to be created, if the tenant's API supports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVenue {
    /// Name.
    pub name: String,
    /// Its location.
    pub location_id: Id,
    /// Free text.
    pub description: Option<String>,
}

impl Client {
    /// Returns every venue, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn venues(&self) -> Result<Vec<Venue>, Error> {
        self.list(&Connection {
            operation: "venues",
            root: "venues",
            filters: vec![],
            selection: "id name description location { id }".to_owned(),
        })
        .await
    }

    /// Creates a venue.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the API has no `venue.create`; otherwise as every mutation.
    pub async fn create_venue(&self, venue: &NewVenue) -> Result<CreatedRecord, Error> {
        let mut mutation = Mutation::new("venue.create", "venue");
        mutation.input("name", Arg::Text(venue.name.clone()));
        mutation.input("locationId", Arg::id(&venue.location_id));
        mutation.input_if_some("description", venue.description.clone().map(Arg::Text));
        self.create(&mutation).await
    }
}
