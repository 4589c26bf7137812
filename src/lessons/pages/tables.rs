//! How people see holidays.

use crate::lessons::api::resources::HOLIDAYS;
use crate::resources::pages::{PageField, TablePage};

/// The tables of lessons that other pages do not show.
pub static TABLES: [&TablePage; 1] = [&HOLIDAY_PAGE];

static HOLIDAY_PAGE: TablePage = TablePage {
    resource: &HOLIDAYS,
    path: "/people/holidays",
    title: "Holidays",
    about: "Days without lessons, for all or for one tutor. A series skips them, moves, or takes place all the same.",
    columns: &["name", "date", "scope", "tutor_id"],
    filters: &["scope", "tutor_id"],
    fields: &[
        PageField::new("date", "Day", ""),
        PageField::new("scope", "Holds for", "Empty: for the tutor below, or for all where there is none"),
        PageField::new("tutor_id", "Tutor", "Of a holiday of one tutor"),
    ],
    ..TablePage::BASE
};
