//! What tutorials refer to: course templates, locations, venues and the people who teach.
//!
//! Promises: [`References`] names all of it, [`add`] brings in what is missing and leaves alone what is there.
//!
//! Does not: link any of it with Administrate (sync does).

pub mod store;

use sqlx::PgConnection;

use crate::error::Result;

/// Reference data as plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// What events are made from.
    pub templates: Vec<CourseTemplate>,
    /// Where they are held.
    pub locations: Vec<Location>,
    /// Rooms there.
    pub venues: Vec<Venue>,
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
    /// Name of its location.
    pub location: String,
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

/// Brings in what is missing.
///
/// # Errors
/// A code or a name that is too long.
pub async fn add(db: &mut PgConnection, references: &References) -> Result<()> {
    store::add_templates(db, &references.templates).await?;
    store::add_locations(db, &references.locations).await?;
    store::add_venues(db, &references.venues).await?;
    store::add_instructors(db, &references.instructors).await
}
