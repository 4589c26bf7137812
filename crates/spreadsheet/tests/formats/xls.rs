//! Old Excel files, record by record: the dialects of other formats in `.xls`.

use spreadsheet::{Content, FormattedNumber, InvalidValue};

use super::records::{record, xls};
use super::{cells, read, text};

fn cell_head(column: u16, style: u16) -> Vec<u8> {
    [0_u16, column, style].iter().flat_map(|part| part.to_le_bytes()).collect()
}

fn number(column: u16, style: u16, value: f64) -> Vec<u8> {
    record(0x0203, &[&cell_head(column, style), &value.to_le_bytes()])
}

/// Returns the records of these number formats and of one cell style for each.
fn formats(codes: &[&str]) -> Vec<u8> {
    let mut records = Vec::new();
    for (id, code) in (164_u16..).zip(codes) {
        let length = (code.len() as u16).to_le_bytes();
        records.extend(record(0x041e, &[&id.to_le_bytes(), &length, &[0], code.as_bytes()]));
    }
    for (id, _) in (164_u16..).zip(codes) {
        records.extend(record(0x00e0, &[&[0, 0], &id.to_le_bytes(), &[0; 16]]));
    }
    records
}

#[test]
fn numbers_are_dates_and_codes_by_their_format() {
    let styles = formats(&["dd/mm/yyyy", "0000", "Standard", "[h]:mm"]);
    let sheet = [number(0, 0, 46_054.0), number(1, 1, 123.0), number(2, 2, 1234.0), number(3, 3, 1.0)].concat();
    let shown = FormattedNumber { number: 123.0, shown: "0123".into() };
    let expected = [
        (1, 0, Content::DateTime(46_054.0)),
        (1, 1, Content::FormattedNumber(Box::new(shown))),
        (1, 2, Content::Number(1234.0)),
        (1, 3, Content::DateTime(1.0)),
    ];
    assert_eq!(cells(&read("t.xls", &xls(&styles, &sheet)).expect("readable")), expected);
}

#[test]
fn date_mode_of_the_macintosh_is_read() {
    for (mode, since_1904) in [(1_u16, true), (0, false)] {
        let sheet = read("t.xls", &xls(&record(0x0022, &[&mode.to_le_bytes()]), &number(0, 0, 1.0))).expect("readable");
        assert_eq!(sheet.since_1904, since_1904);
    }
}

#[test]
fn value_that_cannot_be_read_is_a_problem_of_its_cell() {
    let invalid = |text: &str, reason| Content::Invalid(Box::new(InvalidValue { text: text.into(), reason }));
    let shared = record(0x00fd, &[&cell_head(0, 0), &7_u32.to_le_bytes()]);
    // Half of a surrogate pair.
    let half = record(0x0204, &[&cell_head(2, 0), &2_u16.to_le_bytes(), &[1, b'A', 0, 0x3d, 0xd8]]);
    let error = record(0x0205, &[&cell_head(3, 0), &[0x17, 1]]);
    let label = record(0x0204, &[&cell_head(4, 0), &1_u16.to_le_bytes(), &[0, b'x']]);
    let sheet = [shared, number(1, 0, f64::NAN), half, error, label].concat();
    let expected = [
        (1, 0, invalid("7", "is the number of a text that is not in the file")),
        (1, 1, invalid("NaN", "is not a number")),
        (1, 2, invalid("A\u{fffd}", "has a character that cannot be read")),
        (1, 3, Content::Error("#REF!".into())),
        (1, 4, text("x")),
    ];
    assert_eq!(cells(&read("t.xls", &xls(&[], &sheet)).expect("readable")), expected);
}
