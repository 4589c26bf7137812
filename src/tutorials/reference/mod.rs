//! What events refer to, as those who match names need it: course templates, locations, venues, instructors.
//!
//! Only reads, and only rows that may still be chosen: inactive ones are left out.

pub mod store;

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
