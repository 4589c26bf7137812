//! Session rows with values of their event, and cells without names or with error values.

use jiff::civil::date;

use super::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::sheet::write::CellValue;
use crate::timetable_import::testing::*;
use crate::workbook::problems::{Code, column_name};

#[test]
fn session_row_with_other_event_values_is_warned_about() {
    let line = with(session("A", 2), [(F::Instructor, Some("Bo Li".into())), (F::Sitting, Some("2026S".into()))]);
    let plan = planned(&[event("A"), line]);
    assert_eq!(problem_cells(&plan), [(Code::ConflictingValue, "R5"), (Code::ConflictingValue, "Z5")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create]);
}

/// An event's value is read only from the event row, also when it is blank there. Equal values are no contradiction.
#[test]
fn event_value_on_session_row_warns_only_if_different() {
    let blank = [(F::MaxPlaces, None), (F::FinalisationDate, None), (F::WebSale, None), (F::Cancelled, None)];
    for (field, entry, warns) in [
        (F::MaxPlaces, CellValue::from(12), true),
        (F::FinalisationDate, date(2025, 10, 20).into(), true),
        (F::Tutors, "Bo Li".into(), true),
        (F::Administrator, "Otto Admin".into(), true),
        (F::Cancelled, "Y".into(), true),
        (F::Cancelled, "N".into(), false),
        (F::WebSale, "no".into(), false),
    ] {
        let cell = format!("{}5", column_name(field as u32));
        let plan = planned(&[with(event("A"), blank.clone()), with(session("A", 2), [(field, Some(entry))])]);
        let expected = if warns { vec![(Code::ConflictingValue, cell.as_str())] } else { vec![] };
        assert_eq!((problem_cells(&plan), outcomes(&plan)), (expected, vec![&BlockOutcome::Create]), "{field:?}");
    }
    for (field, entry) in [
        (F::FinalisationDate, CellValue::from("20-10-2025")),
        (F::LmsStartDate, "22/10/2025".into()),
        (F::MaxPlaces, "12".into()),
        (F::Instructor, "ADA  MARLOW".into()),
        (F::WebSale, "no".into()),
    ] {
        let plan = planned(&[event("A"), with(session("A", 2), [(field, Some(entry))])]);
        assert_eq!(problem_cells(&plan), [], "{field:?}");
    }
    let late = planned(&[event("A"), with(session("A", 2), [(F::LmsStartDate, Some(date(2025, 1, 1).into()))])]);
    assert!(late.problems[0].message.starts_with("\"01/01/2025\" is not used"), "{}", late.problems[0].message);
}

#[test]
fn cell_without_name_or_with_error_value_is_rejected() {
    for (field, text, code, cell) in [
        (F::Instructor, "//", Code::InvalidValue, "R4"),
        (F::SessionInstructor, " ; ", Code::InvalidValue, "S4"),
        (F::Administrator, ",", Code::InvalidValue, "T4"),
        (F::ExtraInformation, "#N/A", Code::InvalidValue, "AG4"),
        (F::SessionUrl, " #REF! ", Code::InvalidValue, "W4"),
    ] {
        let plan = planned(&[with(event("A"), [(field, Some(text.into()))])]);
        assert_eq!(
            (problem_cells(&plan), outcomes(&plan)),
            (vec![(code, cell)], vec![&BlockOutcome::Refuse]),
            "{field:?}"
        );
    }
    let far = planned(&[with(event("A"), [(F::FinalisationDate, Some(date(9999, 12, 31).into()))])]);
    assert!(far.problems[0].message.starts_with("\"31/12/9999\" is too far away"), "{}", far.problems[0].message);
}
