//! Venues: the rooms and houses at a location.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Created, Mutation};
use crate::paging::Listing;
use crate::schema::document::Arg;

/// A venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// Global id.
    pub id: Id,
    /// Name; unique at best within its location.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub name: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub description: Option<String>,
    /// Its location, if it has one.
    #[serde(default, rename(deserialize = "location"), deserialize_with = "crate::lenient::id_of")]
    pub location_id: Option<Id>,
}

/// A venue to be created, where the tenant's API can.
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
    /// Every venue, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where the list stays inconsistent.
    pub async fn venues(&self) -> Result<Vec<Venue>, Error> {
        self.list(&Listing {
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
    /// [`Error::Unsupported`] where the API has no `venue.create`; otherwise as every mutation.
    pub async fn create_venue(&self, venue: &NewVenue) -> Result<Created, Error> {
        let mut mutation = Mutation::new("venue.create", "venue");
        mutation.input("name", Arg::Text(venue.name.clone()));
        mutation.input("locationId", Arg::id(&venue.location_id));
        mutation.input_some("description", venue.description.clone().map(Arg::Text));
        self.create(&mutation).await
    }
}
