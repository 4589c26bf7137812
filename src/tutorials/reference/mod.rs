//! What events refer to, as those who match names need it: course templates, locations, venues, instructors.
//!
//! Reads only rows that may still be chosen: inactive ones are left out. [`add`] brings in what is missing and leaves
//! alone what is there; linking any of it with Administrate is sync's.

mod created;
pub mod store;

use sqlx::PgConnection;

pub use created::{CreatedRow, CreatedTable, InUseReasons, delete_unused, in_use};

use crate::error::Result;

/// A record by the name that people match it with.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Named {
    /// Our id.
    pub id: i64,
    /// A location's or venue's name, a course template's code, an instructor's "First Last"; blank where there is none.
    pub name: String,
}

/// A venue and where it is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedVenue {
    /// Our id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Our id of its location.
    pub location_id: Option<i64>,
}

/// Reference data as plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// What events are made from.
    pub templates: Vec<CourseTemplate>,
    /// Where they are held.
    pub locations: Vec<Location>,
    /// Rooms there.
    pub venues: Vec<Venue>,
    /// Rooms at locations that are here.
    pub rooms: Vec<Room>,
    /// Who teaches.
    pub instructors: Vec<Instructor>,
}

/// A course template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseTemplate {
    /// Up to 50 characters, unique.
    pub code: String,
    /// Up to 255 characters.
    pub title: String,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Up to 255 characters.
    pub name: String,
    /// Up to 50 characters, may be empty.
    pub code: String,
}

/// A venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venue {
    /// Up to 255 characters.
    pub name: String,
    /// Name of its location, which no other location has.
    pub location: String,
}

/// A venue at a location that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Up to 255 characters.
    pub name: String,
    /// Our id of its location.
    pub location_id: i64,
}

/// A person who teaches, with the login and the staff record that come with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instructor {
    /// Login name, up to 150 characters, unique. The account has no password and cannot sign in.
    pub username: String,
    /// Up to 150 characters.
    pub first_name: String,
    /// Up to 150 characters, may be empty.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
}

/// The login name of an instructor who is taken over from Administrate. Nobody signs in with it; it only has to be nobody
/// else's.
pub fn username_of_contact(external_id: &str) -> String {
    format!("administrate-{external_id}")
}

/// Brings in what is missing; gives the rows that it made, in their order.
///
/// # Errors
/// A code or a name that is too long.
pub async fn add(db: &mut PgConnection, references: &References) -> Result<Vec<CreatedRow>> {
    let mut made = store::add_templates(db, &references.templates).await?;
    made.extend(store::add_locations(db, &references.locations).await?);
    made.extend(store::add_venues(db, &references.venues, &references.rooms).await?);
    made.extend(store::add_instructors(db, &references.instructors).await?);
    Ok(made)
}
