//! A training provider as plain data: everything that must stand here and in Administrate before a timetable can be
//! imported. `ours` and `theirs` bring it into the two worlds, `invented` and `rehearsal` think it up.

use rust_decimal::Decimal;

use crate::catalogue::{ExamSession, Product, Subject, Variation};
use crate::tutorials::LearningMode;
use crate::tutorials::reference::{Location, Venue};

/// Three prices for everything: type here, price level there, per cent of the full price.
pub const PRICES: [(&str, &str, u32); 3] =
    [("standard", "Standard", 100), ("retaker", "Retaker", 80), ("reduced", "Reduced", 60)];

/// A provider. Rows refer to each other by name or code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provider {
    /// What is taught.
    pub subjects: Vec<Subject>,
    /// When it is examined.
    pub exam_sessions: Vec<ExamSession>,
    /// What events are made from.
    pub templates: Vec<Template>,
    /// Where they are held.
    pub locations: Vec<Location>,
    /// Locations that only Administrate knows, so that there is something unmatched to see.
    pub locations_of_theirs_alone: Vec<Location>,
    /// Rooms.
    pub venues: Vec<Venue>,
    /// Who teaches.
    pub instructors: Vec<Person>,
    /// Who administers events.
    pub administrators: Vec<Person>,
    /// Which template is on sale where.
    pub tutorials: Vec<Tutorial>,
    /// Materials and marking, each on sale for every subject in every exam session.
    pub goods: Vec<Material>,
    /// Whether some names stand in Administrate in other letters or with other blanks than here.
    pub spelt_carelessly: bool,
}

/// A course template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Unique, as the timetable writes it.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// Code of its subject.
    pub subject: String,
    /// How it is taught.
    pub teaching: LearningMode,
    /// Sessions of an event; 0 when self-paced.
    pub sessions: usize,
    /// Full names of those who may teach it.
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
    /// The product.
    pub product: Product,
    /// The variation.
    pub variation: Variation,
    /// Full price in pounds.
    pub price: u32,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First name.
    pub first_name: String,
    /// Last name; empty where a timetable knows one word only.
    pub last_name: String,
}

impl Person {
    /// The person whose full name this is: everything after the first word is the last name. Nothing is compared by
    /// the two halves, so any cut is as good as another.
    pub fn called(name: &str) -> Self {
        let name = name.trim();
        let (first, last) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        Self { first_name: first.to_owned(), last_name: last.trim().to_owned() }
    }

    /// First and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// A share of a full price, with two decimals.
pub fn priced(full: u32, per_cent: u32) -> Decimal {
    Decimal::new(i64::from(full) * i64::from(per_cent), 2)
}

impl Provider {
    /// The template of this code.
    pub fn template(&self, code: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.code == code)
    }
}
