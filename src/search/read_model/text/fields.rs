//! The texts of items that a search reads, and what each weighs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::items::{StoreBundle, StoreProduct, short_name};
use super::super::rows::Text;

/// In front of a code without its separators.
pub const CODE_MARK: char = '\u{1}';
/// In front of a whole field.
pub const WHOLE_MARK: char = '\u{2}';

/// In front of the month and day of a day of any year.
pub const DAY_OF_ANY_YEAR: char = 'd';

/// Reports whether a term is a word, not a code or a whole field.
pub fn is_word(term: &str) -> bool {
    !term.starts_with([CODE_MARK, WHOLE_MARK])
}

/// Returns a term without its mark.
pub fn shown(term: &str) -> &str {
    term.trim_start_matches([CODE_MARK, WHOLE_MARK])
}

/// Returns the day of a time.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The field of a row that contains a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextField {
    /// Name of the product or bundle.
    Name,
    /// Code of the subject.
    Subject,
    /// Name and type of the variation.
    Variation,
    /// Code of an event or of the exam session.
    Code,
    /// Venue, location or instructor.
    Place,
    /// Session title, store product code, description of the subject, or component.
    Detail,
    /// The day of an event or session, in digits.
    Day,
}

impl TextField {
    /// Returns the number of its weight; a lower number weighs more.
    pub fn weight_number(self) -> u8 {
        match self {
            Self::Name | Self::Subject => 0,
            Self::Variation => 1,
            Self::Code => 2,
            Self::Place => 3,
            Self::Detail | Self::Day => 4,
        }
    }

    /// Returns the weight with a number.
    pub fn weight_at(number: u8) -> f32 {
        match number {
            0 => 1.0,
            1 => 0.95,
            2 => 0.9,
            3 => 0.85,
            _ => 0.8,
        }
    }
}

/// Calls a function for each text of a store product.
pub fn read_product(product: &StoreProduct, add: &mut impl FnMut(TextField, &Text)) {
    let row = &product.row;
    add(TextField::Subject, &row.sitting.subject_code);
    add(TextField::Name, short_name(row));
    add(TextField::Variation, &row.form.fullname);
    add(TextField::Variation, &row.form.variation_name);
    add(TextField::Variation, &row.form.variation_type);
    add(TextField::Code, &row.sitting.exam_session_code);
    add(TextField::Detail, &row.product_code);
    row.sitting.subject_description.iter().for_each(|text| add(TextField::Detail, text));
    // Most events of a product share a few places, instructors, titles and days: each is added once.
    let mut shared: BTreeSet<(TextField, &Text)> = BTreeSet::new();
    let mut days: BTreeSet<Date> = BTreeSet::new();
    for event in &product.events {
        add(TextField::Code, &event.row.code);
        shared.extend(event.instructors.iter().map(|name| (TextField::Place, name)));
        days.extend([event.row.start_date, event.row.end_date]);
        let places = std::iter::once(&event.row.place).chain(event.sessions.iter().map(|session| &session.place));
        for place in places {
            let names = [&place.location, &place.location_code, &place.venue];
            shared.extend(names.into_iter().flatten().map(|name| (TextField::Place, name)));
        }
        shared.extend(event.sessions.iter().map(|session| (TextField::Detail, &session.title)));
        days.extend(event.sessions.iter().map(|session| day_of(session.start)));
    }
    shared.into_iter().for_each(|(field, text)| add(field, text));
    for day in days {
        add(TextField::Day, &format!("{:04}{:02}{:02}", day.year(), day.month(), day.day()).into());
    }
}

/// Calls a function for each text of a bundle.
pub fn read_bundle(bundle: &StoreBundle, add: &mut impl FnMut(TextField, &Text)) {
    add(TextField::Subject, &bundle.row.subject_code);
    add(TextField::Name, &bundle.row.name);
    add(TextField::Variation, &"bundle".into());
    add(TextField::Code, &bundle.row.exam_session_code);
    bundle.row.description.iter().for_each(|text| add(TextField::Detail, text));
    for product in bundle.components.iter().filter_map(|component| component.store_product()) {
        add(TextField::Detail, &product.row.form.fullname);
        add(TextField::Detail, &product.row.form.variation_name);
    }
}
