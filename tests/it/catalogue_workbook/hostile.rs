//! Workbooks that are damaged, misleading or too large.

use std::io::{Cursor, Write};

use rust_xlsxwriter::{Formula, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{counts, import, problems, run, run_json};
use crate::fixtures::test_db::TestDb;
use crate::fixtures::workbook::write;

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_no_catalogue_is_refused_with_a_reason() {
    let db = TestDb::new().await;
    let subjects: &[&[&str]] = &[&["Code"], &["CM1"], &["CM2"]];
    write(&db.folder().join("other.xlsx"), &[("Sheet1", &[&["Code"]])]);
    write(&db.folder().join("headless.xlsx"), &[("Subjects", &[&["Description"], &["x"]])]);
    write(&db.folder().join("large.xlsx"), &[("Subjects", subjects), ("Locations", &[&["Name"], &["A"], &["B"]])]);
    std::fs::write(db.folder().join("text.csv"), "Code\nCM2\n").expect("a file");
    std::fs::write(db.folder().join("damaged.xlsx"), b"PK\x03\x04 and nothing else").expect("a file");
    std::fs::write(db.folder().join("lectern.toml"), "[import]\nmax_rows = 3\n").expect("a file");
    for (file, code, named) in [
        ("other.xlsx", "missing_header", "none of the sheets Subjects, Exam sessions"),
        ("headless.xlsx", "missing_header", "the column \"Code\" is missing"),
        ("large.xlsx", "too_large", "over 3 rows"),
        ("text.csv", "unreadable_file", "neither xlsx nor ods"),
        ("damaged.xlsx", "unreadable_file", ""),
        ("missing.xlsx", "unreadable_file", "there is no such file"),
    ] {
        let (exit, document) = run_json(&db, &["catalogue", "import", file]);
        let problem = &document["problems"][0];
        assert_eq!((exit, problem["code"].as_str(), counts(&document)), (1, Some(code), [0; 4]), "{file}: {document}");
        assert!(problem["message"].as_str().expect("text").contains(named), "{file}: {problem}");
        let (exit, stdout, stderr) = run(&db, &["catalogue", "import", file]);
        assert!(exit == 1 && stderr.contains("lectern catalogue template"), "{file}: {stdout} {stderr}");
    }
}

/// Names that lead in a circle, through thousands of groups, or to nothing, are problems of their rows.
#[tokio::test(flavor = "multi_thread")]
async fn long_chains_and_misspelt_sheets_end() {
    let db = TestDb::new().await;
    let names: Vec<String> = (0..300).map(|number| format!("Group {number}")).collect();
    let mut rows: Vec<[&str; 2]> = vec![["Name", "Parent"]];
    rows.extend((0..299).map(|at| [names[at].as_str(), names[at + 1].as_str()]));
    rows.push([names[299].as_str(), ""]);
    let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
    let (exit, document) = import(&db, &[("Groups", &rows), ("Subjekts", &[&["Code"], &["CM2"]])]);
    assert_eq!((exit, counts(&document)), (4, [300, 0, 0, 0]), "{document}");
    assert_eq!(problems(&document), [("Subjekts!".to_owned(), "unused_sheet")]);
    assert_eq!(document["problems"][0]["suggestions"][0], "Subjects");
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_and_errors_are_problems_of_their_cells() {
    let db = TestDb::new().await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Subjects").expect("a name");
    for (column, header) in (0..).zip(["Code", "Description", "Active"]) {
        sheet.write_string(0, column, header).expect("a cell");
    }
    sheet.write_formula(1, 0, Formula::new("=1/0").set_result("#DIV/0!")).expect("a cell");
    sheet.write_formula(1, 1, Formula::new("=A1").set_result("Models")).expect("a cell");
    sheet.write_string(1, 2, "perhaps").expect("a cell");
    sheet.write_number(2, 0, 101).expect("a cell");
    sheet.write_boolean(2, 2, false).expect("a cell");
    sheet.write_string(3, 0, "'=CM2").expect("a cell");
    book.save(db.folder().join("book.xlsx")).expect("a file");
    let (exit, document) = run_json(&db, &["catalogue", "import", "book.xlsx"]);
    assert_eq!((exit, counts(&document)), (4, [2, 0, 0, 1]), "{document}");
    let cell = |name: &str| (format!("Subjects!{name}"), "invalid_value");
    assert_eq!(problems(&document), [cell("A2"), cell("C2")]);
    let rows: Vec<(String, bool)> = sqlx::query_as("SELECT code, active FROM acted.catalog_subjects ORDER BY id")
        .fetch_all(&db.pool)
        .await
        .expect("rows");
    assert_eq!(rows, [("101".to_owned(), false), ("=CM2".to_owned(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sheets_of_an_opendocument_file_are_read() {
    let db = TestDb::new().await;
    let table = |name: &str, rows: &[&[&str]]| {
        let cell = |text: &&str| {
            format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
        };
        let row = |cells: &&[&str]| {
            format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>())
        };
        let rows: String = rows.iter().map(row).collect();
        format!("<table:table table:name=\"{name}\">{rows}</table:table>")
    };
    let tables = [
        table("Notes", &[&["Code"], &["NO"]]),
        table("Venues", &[&["Name", "Location"], &["Quill House", "London"]]),
        table("Locations", &[&["Name"], &["London"]]),
    ];
    let content = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:spreadsheet>{}\
         </office:spreadsheet></office:body></office:document-content>",
        tables.concat()
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in
        [("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_str())]
    {
        writer.start_file(name, SimpleFileOptions::default()).expect("a part");
        writer.write_all(content.as_bytes()).expect("written");
    }
    std::fs::write(db.folder().join("book.ods"), writer.finish().expect("a zip file").into_inner()).expect("a file");
    let (exit, document) = run_json(&db, &["catalogue", "import", "book.ods"]);
    assert_eq!((exit, counts(&document)), (0, [2, 0, 0, 0]), "{document}");
    assert_eq!(problems(&document), [("Notes!".to_owned(), "unused_sheet")]);
}
