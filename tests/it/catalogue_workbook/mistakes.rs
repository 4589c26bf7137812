//! A workbook with mistakes: each is reported at its cell, and the rejected rows come back to be corrected.

use calamine::{Data, Reader, Xlsx, open_workbook};

use super::{counts, import, problems, run, run_json};
use crate::fixtures::test_db::TestDb;
use crate::fixtures::workbook::write;

/// Ten rows, of which six have ten mistakes.
const MISTAKES: [(&str, &[&[&str]]); 8] = [
    (
        "Subjects",
        &[&["Code", "Description", "Active"], &["CB1", "Business Finance", "Y"], &["CB2-TOO-LONG", "", "yess"]],
    ),
    (
        "Exam sessions",
        &[
            &["Session code", "Start date", "End date"],
            &["2027-04", "06/04/2027", "30/04/2027"],
            &["2027-09", "31/09/2027", ""],
        ],
    ),
    ("Products", &[&["Fullname", "Shortname"], &["Tutorial in London", "London"]]),
    ("Variations", &[&["Name", "Variation type", "Code"], &["CB1 six half days", "Tutorials", "CB1_LO_6"]]),
    (
        "Store products",
        &[
            &["Exam session", "Subject", "Product", "Variation", "Product code"],
            &["2027-04", "CB1", "Lndon", "CB1_LO_6", "CB1/LON/2027-04"],
        ],
    ),
    ("Prices", &[&["Product", "Amount", "Colour"], &["CB1/LON/2027-04", "six hundred", "red"]]),
    ("Locations", &[&["Name"], &["London"]]),
    ("Venues", &[&["Name", "Location"], &["Holborn Rooms", "Londen"]]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_reported_at_its_cell() {
    let db = TestDb::new().await;
    write(&db.folder().join("catalogue.xlsx"), &MISTAKES);
    let (exit, printed, output) = run(&db, &["catalogue", "import", "catalogue.xlsx", "--dry-run"]);
    assert_eq!(exit, 4, "{printed}");
    assert_eq!(format!("{printed}---\n{output}"), include_str!("../../data/catalogue/mistakes.txt"));
}

/// A row with one wrong cell gets all its other cells checked, and the report leads to a complete import.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_come_back_and_are_imported_when_they_are_corrected() {
    let db = TestDb::new().await;
    write(&db.folder().join("catalogue.xlsx"), &MISTAKES);
    let arguments = ["catalogue", "import", "catalogue.xlsx", "--report", "problems.xlsx"];
    let (exit, document) = run_json(&db, &arguments);
    assert_eq!((exit, counts(&document)), (4, [4, 0, 0, 6]), "{document}");
    assert_eq!(run(&db, &arguments).0, 2, "an existing report stays");
    let mut book: Xlsx<_> = open_workbook(db.folder().join("problems.xlsx")).expect("a workbook");
    let rows = book.worksheet_range("Subjects").expect("a sheet");
    let text = |row: u32, column: u32| match rows.get_value((row, column)) {
        Some(Data::String(text)) => text.clone(),
        Some(Data::Float(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!([text(0, 0), text(0, 1), text(0, 2)], ["Problem", "Original row", "Code"]);
    assert!(text(1, 0).contains("Code: ") && text(1, 0).contains("Active: "), "{}", text(1, 0));
    assert_eq!([text(1, 1), text(1, 2)], ["3", "CB2-TOO-LONG"]);
    assert!(book.sheet_names().contains(&"Problems".to_owned()));

    let corrections = [
        ("CB2-TOO-LONG", "CB2"),
        ("yess", "Y"),
        ("31/09/2027", "01/09/2027"),
        ("Tutorials", "Tutorial"),
        ("Lndon", "London"),
        ("six hundred", "600"),
        ("Londen", "London"),
    ];
    for (old, new) in corrections {
        crate::fixtures::workbook::replace_text(
            &db.folder().join("problems.xlsx"),
            &format!(">{old}<"),
            &format!(">{new}<"),
        );
    }
    let (exit, corrected) = run_json(&db, &["catalogue", "import", "problems.xlsx"]);
    // The blank end of an exam session is still missing.
    assert_eq!((exit, counts(&corrected)), (4, [5, 0, 0, 1]), "{corrected}");
    assert_eq!(
        problems(&corrected),
        [("Exam sessions!E2".to_owned(), "missing_value"), ("Prices!".to_owned(), "unused_column")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_cells_and_dialects_are_read_as_their_texts() {
    let db = TestDb::new().await;
    let book: [(&str, &[&[&str]]); 4] = [
        (
            "SUBJECTS ",
            &[&["A title above the header"], &["code*", "active"], &["CM2\u{200b}", "TRUE"], &["code", "Active"]],
        ),
        ("exam_sessions", &[&["exam_session", "start_date", "end_date"], &["27A", "2027-04-06", "30.04.2027"]]),
        ("Instructions", &[&["anything"]]),
        ("Notes", &[&["anything"]]),
    ];
    let (exit, document) = import(&db, &book);
    assert_eq!((exit, counts(&document)), (0, [2, 0, 0, 0]), "{document}");
    let found = problems(&document);
    assert_eq!(
        found,
        [("SUBJECTS !A3".to_owned(), "invisible_characters"), ("Notes!".to_owned(), "unused_sheet")],
        "{document}"
    );
    let code: String =
        sqlx::query_scalar("SELECT code FROM acted.catalog_subjects").fetch_one(&db.pool).await.expect("a row");
    assert_eq!(code, "CM2");
}
