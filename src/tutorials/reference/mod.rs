//! Reference data of events: course templates, locations, venues and instructors.
//!
//! Reads return active rows only. [`add`] creates missing rows and does not change existing ones. Linking rows with
//! Administrate is the task of `sync`.

mod created;
pub mod store;

use sqlx::PgConnection;

pub use created::{CreatedRow, CreatedTable, InUseReasons, delete_unused, in_use};

use crate::error::Result;

/// A record with the name by which it is matched.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Named {
    pub id: i64,
    /// The name of a location or venue, the code of a course template or an instructor's "First Last"; may be blank.
    pub name: String,
}

/// A venue with its location.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedVenue {
    pub id: i64,
    pub name: String,
    pub location_id: Option<i64>,
}

/// Reference data to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    pub templates: Vec<CourseTemplate>,
    pub locations: Vec<Location>,
    /// Venues at locations that may be new.
    pub venues: Vec<Venue>,
    /// Venues at existing locations.
    pub rooms: Vec<Room>,
    pub instructors: Vec<Instructor>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseTemplate {
    /// Up to 50 characters, unique.
    pub code: String,
    /// Up to 255 characters.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Up to 255 characters.
    pub name: String,
    /// Up to 50 characters, may be empty.
    pub code: String,
}

/// A venue at a location that is identified by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venue {
    /// Up to 255 characters.
    pub name: String,
    /// The name of its location, which is unique.
    pub location: String,
}

/// A venue at an existing location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Up to 255 characters.
    pub name: String,
    pub location_id: i64,
}

/// An instructor with account and staff record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instructor {
    /// Login name, up to 150 characters, unique. The account has no password, so it cannot sign in.
    pub username: String,
    /// Up to 150 characters.
    pub first_name: String,
    /// Up to 150 characters, may be empty.
    pub last_name: String,
    pub email: String,
}

/// Returns the login name for an instructor created from a contact. It only has to be unique: the account cannot sign in.
pub fn username_of_contact(external_id: &str) -> String {
    format!("administrate-{external_id}")
}

/// Creates missing rows. Returns the created rows in order of creation.
///
/// # Errors
/// A code or a name is too long.
pub async fn add(db: &mut PgConnection, references: &References) -> Result<Vec<CreatedRow>> {
    let mut created = store::add_templates(db, &references.templates).await?;
    created.extend(store::add_locations(db, &references.locations).await?);
    created.extend(store::add_venues(db, &references.venues, &references.rooms).await?);
    created.extend(store::add_instructors(db, &references.instructors).await?);
    Ok(created)
}
