//! A training provider as plain data: everything that must exist locally and in Administrate before a timetable can be
//! imported.

use rust_decimal::Decimal;

use crate::catalogue::{ExamSession, Product, Subject, Variation};
use crate::tutorials::LearningMode;
use crate::tutorials::reference::{Location, Venue};

/// The prices of everything: local price type, price level in Administrate, per cent of the full price.
pub const PRICES: [(&str, &str, u32); 3] =
    [("standard", "Standard", 100), ("retaker", "Retaker", 80), ("reduced", "Reduced", 60)];

/// A training provider. Rows refer to each other by name or code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provider {
    pub subjects: Vec<Subject>,
    pub exam_sessions: Vec<ExamSession>,
    pub templates: Vec<Template>,
    pub locations: Vec<Location>,
    /// Locations that exist only in Administrate. They show how a sync reports unmatched records.
    pub remote_only_locations: Vec<Location>,
    pub venues: Vec<Venue>,
    pub instructors: Vec<Person>,
    /// Administrators of events.
    pub administrators: Vec<Person>,
    /// Tutorials on sale.
    pub tutorials: Vec<Tutorial>,
    /// Materials and marking, each on sale for every subject in every exam session.
    pub materials: Vec<Material>,
    /// Whether some names differ in case or white space in Administrate.
    pub has_spelling_variants: bool,
}

/// A course template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Unique code, as the timetable contains it.
    pub code: String,
    pub title: String,
    /// Code of its subject.
    pub subject: String,
    pub mode: LearningMode,
    /// Number of sessions of an event; 0 for self-paced courses.
    pub sessions: usize,
    /// Full names of the approved instructors.
    pub approved: Vec<String>,
    /// Full price in pounds.
    pub price: u32,
}

/// A template on sale at a location in an exam session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tutorial {
    /// Code of the exam session.
    pub exam_session: String,
    /// Code of the template.
    pub template: String,
    /// Name of the location.
    pub location: String,
}

/// A material or a marking, in one of its variations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    pub product: Product,
    pub variation: Variation,
    /// Full price in pounds.
    pub price: u32,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub first_name: String,
    /// Empty when a timetable contains a single word.
    pub last_name: String,
}

impl Person {
    /// Splits a full name after its first word. Full names are compared as a whole, so the position does not matter.
    pub fn from_full_name(name: &str) -> Self {
        let name = name.trim();
        let (first, last) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        Self { first_name: first.to_owned(), last_name: last.trim().to_owned() }
    }

    /// Returns first and last name, separated by a space.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// Returns a share of a full price in pounds, with two decimals.
pub fn share_of_price(full: u32, per_cent: u32) -> Decimal {
    Decimal::new(i64::from(full) * i64::from(per_cent), 2)
}

impl Provider {
    /// Returns the template with a code.
    pub fn template(&self, code: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.code == code)
    }
}
