//! Timetables of every file format, parsed into blocks.

use spreadsheet::{Limits, ReadError, Sheet};

use crate::timetable_import::blocks;
use crate::timetable_import::layout::LAYOUT;
use crate::timetable_import::sheet::write;
use crate::timetable_import::testing::{event, parse_options, session, with_part};
use crate::workbook::problems::Code;

fn sheet_of(name: &str, bytes: &[u8]) -> Result<Sheet, ReadError> {
    spreadsheet::read(name, bytes, &Limits::default())
}

#[test]
fn more_rows_than_accepted_are_too_large() {
    let lines: Vec<_> = (1..=40).map(|n| event(&format!("E{n}"))).collect();
    let sheet = sheet_of("many.xlsx", &write::timetable(&lines).expect("a workbook")).expect("readable");
    let few = blocks::ParseOptions { max_rows: 39, ..parse_options() };
    assert!(matches!(blocks::read(&sheet, &few), Err(ReadError::TooLarge(_))));
    assert!(blocks::read(&sheet, &blocks::ParseOptions { max_rows: 40, ..parse_options() }).is_ok());
}

#[test]
fn escaped_characters_reach_the_blocks() {
    // rust_xlsxwriter escapes such characters in the shared strings.
    let typed = write::timetable(&[event("A_x0041__x005F_")]).expect("a workbook");
    let shared = with_part(&typed, "xl/sharedStrings.xml", "King's Cross", "King_x0027_s Cross");
    let sheet = sheet_of("shared.xlsx", &shared).expect("readable");
    let found = blocks::read(&sheet, &parse_options()).expect("small");
    assert_eq!(found.blocks[0].event.title.as_deref(), Some("A_x0041__x005F_"));
    assert_eq!(found.blocks[0].event.venue, blocks::VenueCell::Named("King's Cross".to_owned()));
}

#[test]
fn xls_timetable_reads_like_xlsx() {
    let bytes = include_bytes!("../../../crates/spreadsheet/tests/data/timetable.xls");
    let old = blocks::read(&sheet_of("timetable.xls", bytes).expect("readable"), &parse_options()).expect("small");
    let new = write::timetable(&[event("A")]).expect("a workbook");
    let new = blocks::read(&sheet_of("t.xlsx", &new).expect("readable"), &parse_options()).expect("small");
    assert_eq!((&old.problems, &old.blocks[0].problems), (&vec![], &vec![]));
    assert_eq!(old.blocks[0].event, new.blocks[0].event);
    assert_eq!(old.blocks[0].sessions[0].1, new.blocks[0].sessions[0].1);
}

#[test]
fn csv_timetable_reads_like_xlsx() {
    let header: Vec<&str> = LAYOUT.iter().map(|column| column.header).collect();
    let row = "CB1_f2f_3,A,A-1,Blended,London,King's Cross,Europe - London,13/01/2026,09:30,13/01/2026,17:00,\
               22/10/2025,16:00,10/04/2026,00:00,12,,Ada Marlow,Ada Marlow,,1,,,20/10/2025,N,2026A,,,,,,N,,";
    let table = format!("{}\r\n{row}\r\n", header.join(","));
    let written =
        blocks::read(&sheet_of("t.csv", table.as_bytes()).expect("readable"), &parse_options()).expect("small");
    let typed = write::timetable(&[event("A")]).expect("a workbook");
    let typed = blocks::read(&sheet_of("t.xlsx", &typed).expect("readable"), &parse_options()).expect("small");
    assert_eq!(written.blocks[0].problems, []);
    assert_eq!(written.blocks[0].event, typed.blocks[0].event);
    assert_eq!(written.blocks[0].sessions[0].1, typed.blocks[0].sessions[0].1);
}

#[test]
fn headers_with_aliases_in_any_order_below_a_title_are_found() {
    let mut header: Vec<String> = LAYOUT.iter().rev().map(|column| column.header.to_uppercase()).collect();
    let template = header.len() - 1;
    header[template] = "Template code".to_owned();
    header.push("Notes".to_owned());
    let table = format!("Timetable of 2026\n{}\n", header.join(";"));
    let timetable =
        blocks::read(&sheet_of("t.csv", table.as_bytes()).expect("readable"), &parse_options()).expect("small");
    assert!(!timetable.lacks_columns(), "{:?}", timetable.problems);
    assert_eq!(timetable.columns.header_row, 2);
    let codes: Vec<Code> = timetable.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::UnusedColumn]);
    assert!(timetable.problems[0].message.contains("\"Notes\" (AI)"));
}

#[test]
fn missing_header_is_reported_with_suggestions() {
    let header: Vec<&str> = LAYOUT.iter().map(|column| column.header).filter(|header| *header != "Day").collect();
    let table = format!("{}\n", header.join(";").replace("Venue", "Veneu"));
    let timetable =
        blocks::read(&sheet_of("t.csv", table.as_bytes()).expect("readable"), &parse_options()).expect("small");
    let missing: Vec<_> = timetable.problems.iter().filter(|problem| problem.code == Code::MissingHeader).collect();
    assert_eq!(missing.len(), 2);
    assert_eq!((missing[0].suggestions.as_slice(), missing[0].cell.as_ref()), (&["Veneu".to_owned()][..], None));
    assert!(timetable.blocks.is_empty());
}

#[test]
fn dates_with_1904_epoch_are_converted() {
    let typed = write::timetable(&[event("A"), session("A", 2)]).expect("a workbook");
    let moved = with_part(&typed, "xl/workbook.xml", "<workbookPr ", "<workbookPr date1904=\"1\" ");
    let sheet = sheet_of("t.xlsx", &moved).expect("readable");
    assert!(sheet.since_1904);
    let timetable = blocks::read(&sheet, &parse_options()).expect("small");
    let start = timetable.blocks[0].sessions[0].1.start.map(|moment| moment.local.date());
    assert_eq!(start, Some(jiff::civil::date(2030, 1, 14)));
}
