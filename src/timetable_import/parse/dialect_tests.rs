//! Timetables as programs and people write them: repeated headers, invisible cells, errors, dates of another order.

use std::io::{Cursor, Write};

use rust_xlsxwriter::Workbook;
use spreadsheet::{Limits, column_name};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::blocks::{Timetable, read};
use super::layout::LAYOUT;
use crate::timetable_import::testing::parse_options;
use crate::workbook::problems::Code;

const EVENT: &str = "CB1_f2f_3,A,A-1,Blended,London,King's Cross,Europe - London,13/01/2026,09:30,13/01/2026,17:00,\
                     22/10/2025,16:00,10/04/2026,00:00,12,,Ada Marlow,Ada Marlow,,1,,,20/10/2025,N,2026A,,,,,,N,,";
const SESSION: &str =
    ",,A-2,,London,King's Cross,Europe - London,20/01/2026,09:30,20/01/2026,17:00,,,,,,,,Ada Marlow,,2";

fn header() -> String {
    LAYOUT.map(|column| column.header).join(",")
}

/// Parses the same rows as csv, xlsx and ods, and checks that the results are equal.
fn parsed(lines: &[&str]) -> Timetable {
    let parse = |name: &str, file: &[u8]| {
        let sheet = spreadsheet::read(name, file, &Limits::default()).expect("readable");
        read(&sheet, &parse_options()).expect("small")
    };
    let csv = parse("t.csv", lines.join("\r\n").as_bytes());
    for other in [parse("t.xlsx", &xlsx_of(lines)), parse("t.ods", &ods_of(lines))] {
        assert_eq!(problems(&other), problems(&csv));
        let sessions = |timetable: &Timetable| -> Vec<usize> {
            timetable.blocks.iter().map(|block| block.sessions.len()).collect()
        };
        assert_eq!(sessions(&other), sessions(&csv));
    }
    csv
}

fn xlsx_of(lines: &[&str]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0..).zip(lines) {
        for (column, text) in (0..).zip(line.split(',')).filter(|(_, text)| !text.is_empty()) {
            sheet.write_string(row, column, text).expect("a cell");
        }
    }
    workbook.save_to_buffer().expect("memory")
}

fn ods_of(lines: &[&str]) -> Vec<u8> {
    let cell = |text: &str| match text {
        "" => "<table:table-cell/>".to_owned(),
        text => format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"),
    };
    let row =
        |line: &&str| format!("<table:table-row>{}</table:table-row>", line.split(',').map(cell).collect::<String>());
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet>\
         <table:table table:name=\"Import\">{}</table:table></office:spreadsheet></office:body></office:document-content>",
        lines.iter().map(row).collect::<String>()
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("content.xml", SimpleFileOptions::default()).expect("a new part");
    writer.write_all(content.as_bytes()).expect("memory");
    writer.finish().expect("memory").into_inner()
}

/// Returns code and cell of each problem, those of the file first.
fn problems(timetable: &Timetable) -> Vec<(Code, String)> {
    let of_blocks = timetable.blocks.iter().flat_map(|block| &block.problems);
    let all = timetable.problems.iter().chain(of_blocks);
    all.map(|problem| (problem.code, problem.cell.clone().unwrap_or_default())).collect()
}

/// Returns the event row with other cells, named by their columns.
fn event_with<const N: usize>(changed: [(&str, &str); N]) -> String {
    let mut cells: Vec<&str> = EVENT.split(',').collect();
    for (name, value) in changed {
        let at = (0..cells.len()).find(|at| column_name(*at as u32) == name).expect("a column");
        cells[at] = value;
    }
    cells.join(",")
}

#[test]
fn repeated_titles_headers_and_hints_are_no_rows() {
    let header = header();
    let hint = "e.g. CB1_LO_6,,,blended/classroom/lms,,,,DD/MM/YYYY,HH:mm";
    let lines = ["Timetable 2026", &header, hint, EVENT, "Timetable 2026", &header, hint, SESSION, &header];
    let timetable = parsed(&lines);
    assert_eq!(problems(&timetable), []);
    let sessions: Vec<u32> = timetable.blocks[0].sessions.iter().map(|(row, _)| *row).collect();
    assert_eq!((timetable.blocks.len(), sessions), (1, vec![4, 8]));
    // A session may be called as its column is.
    let timetable = parsed(&[&header, EVENT, ",,Session"]);
    assert_eq!(timetable.blocks[0].sessions.len(), 2);
}

#[test]
fn cell_with_only_invisible_characters_is_blank() {
    let blank_row = "\u{200b},\u{feff},,\u{a0},\u{ad}";
    let timetable = parsed(&[&header(), &event_with([("B", "\u{200b}"), ("Q", "\u{2060}")]), blank_row]);
    let invisible = (Code::InvisibleCharacters, "B2".to_owned());
    assert_eq!(problems(&timetable), [invisible, (Code::MissingValue, "B2".to_owned())]);
}

#[test]
fn error_text_is_one_problem_in_every_column() {
    for (column, text) in
        [("B", "#BEZUG!"), ("H", "#N/A"), ("I", "Err:502"), ("P", "#\u{200b}REF!"), ("U", "#WERT!"), ("AC", "####")]
    {
        let timetable = parsed(&[&header(), &event_with([(column, text)])]);
        let found = problems(&timetable).into_iter().filter(|(code, _)| *code != Code::InvisibleCharacters);
        assert_eq!(found.collect::<Vec<_>>(), [(Code::InvalidValue, format!("{column}2"))], "{text}");
    }
}

#[test]
fn damaged_value_of_an_unused_column_is_a_warning() {
    let header = format!("{},Notes", header());
    let timetable = parsed(&[&header, &format!("{EVENT},b\u{fffd}")]);
    let expected = [(Code::UnusedColumn, String::new()), (Code::UnusedColumn, "AI2".to_owned())];
    assert_eq!(problems(&timetable), expected);
    assert!(timetable.problems.iter().all(|problem| !problem.is_error()));
}

#[test]
fn date_of_another_order_refuses_the_others_and_is_named() {
    for proof in ["12/31/2025", "12/31/25", "12-31-2025", "12/31/2025 5:00 PM"] {
        let timetable = parsed(&[&header(), &event_with([("AH", proof), ("X", "2025-10-20"), ("L", "10/10/2025")])]);
        let cells: Vec<String> = problems(&timetable).into_iter().map(|(_, cell)| cell).collect();
        assert_eq!(cells, ["N2", "AH2", "H2", "J2"], "{proof}");
        let message = &timetable.blocks[0].problems[0].message;
        assert!(message.contains("the date in AH2 can mean nothing else"), "{message}");
    }
}
