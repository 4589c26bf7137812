//! Whole files: every supported format, and every reason to refuse a file.

mod damage;
mod dialects;
mod files;
#[path = "../../../../tests/it/hostile/cfb.rs"]
mod records;
mod xls;

use files::{ods_of, valid_xlsx, with_part, workbook_of, xlsx_of};
use spreadsheet::{CellFilter, Content, Limits, ReadError, Sheet};

pub fn read(name: &str, bytes: &[u8]) -> Result<Sheet, ReadError> {
    spreadsheet::read(name, bytes, &Limits::default())
}

pub fn cells(sheet: &Sheet) -> Vec<(u32, u32, Content)> {
    let of_row = |row: &spreadsheet::Row| {
        let number = row.number;
        row.cells.iter().map(move |cell| (number, cell.column, cell.content.clone())).collect::<Vec<_>>()
    };
    sheet.rows.iter().flat_map(of_row).collect()
}

pub fn text(text: &str) -> Content {
    Content::Text(text.into())
}

#[test]
fn file_that_is_not_a_workbook_is_unreadable() {
    let valid = valid_xlsx();
    let doctype = with_part(&valid, "xl/workbook.xml", "<workbook ", "<!DOCTYPE x><workbook ");
    let unclosed = xlsx_of("<sheetData><row r=\"1\"><c r=\"A1\"><v>1");
    let backwards = xlsx_of(
        "<sheetData><row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"1\"><c r=\"A1\"><v>1</v></c></row></sheetData>",
    );
    let endless = xlsx_of(
        "<sheetData><row r=\"99999999999999999999\"><c r=\"A99999999999999999999\"><v>1</v></c></row></sheetData>",
    );
    for (name, bytes) in [
        ("empty.xlsx", &b""[..]),
        ("truncated.xlsx", &valid[..valid.len() / 2]),
        ("text.xlsx", b"Course template code,Event title"),
        ("picture.png", b"\x89PNG\r\n"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no more data"),
        ("doctype.xlsx", &doctype),
        ("unclosed.xlsx", &unclosed),
        ("backwards.xlsx", &backwards),
        ("endless.xlsx", &endless),
        ("unclosed.ods", &ods_of("<table:table-row><table:table-cell office:value=\"1\"")),
        ("words.ods", &ods_of("<table:table-row table:number-rows-repeated=\"many\"/>")),
    ] {
        let result = read(name, bytes);
        assert!(matches!(result, Err(ReadError::Unreadable(_))), "{name}: {result:?}");
    }
}

#[test]
fn file_beyond_format_limits_is_too_large() {
    let wide: String = (1..=20_000).map(|n| format!("<c><v>{n}</v></c>")).collect();
    let wide = xlsx_of(&format!("<sheetData><row r=\"1\">{wide}</row></sheetData>"));
    let long = "x".repeat(200_000);
    let long = xlsx_of(&format!(
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{long}</t></is></c></row></sheetData>"
    ));
    let cell =
        |times: &str| format!("<table:table-cell office:value=\"1\" table:number-columns-repeated=\"{times}\"/>");
    let row = |times: &str, cell: &str| {
        format!("<table:table-row table:number-rows-repeated=\"{times}\">{cell}</table:table-row>")
    };
    for (name, bytes) in [
        ("wide.xlsx", wide),
        ("long.xlsx", long),
        ("wide.ods", ods_of(&row("1", &cell("4294967295")))),
        ("tall.ods", ods_of(&row("4294967295", &cell("1")))),
        ("both.ods", ods_of(&row("1048576", &cell("16384")))),
    ] {
        let result = read(name, &bytes);
        assert!(matches!(result, Err(ReadError::TooLarge(_))), "{name}: {:?}", result.map(|sheet| sheet.rows.len()));
    }
}

/// The row limit is reported before the limits on cells and texts.
#[test]
fn file_beyond_row_limit_names_the_rows() {
    let xlsx = workbook_of(&[&["a", "b"][..]; 63]);
    let inline: String = (1..=60)
        .map(|row| {
            let cells: String = (0..50).map(|n| format!("<c t=\"inlineStr\"><is><t>{row} {n}</t></is></c>")).collect();
            format!("<row>{cells}</row>")
        })
        .collect();
    let inline = xlsx_of(&format!("<sheetData>{inline}</sheetData>"));
    let csv = (1..=60).map(|n| format!("{n}{}\n", ";x".repeat(50))).collect::<String>();
    for (name, bytes) in [("t.xlsx", &xlsx[..]), ("inline.xlsx", &inline), ("t.csv", csv.as_bytes())] {
        for data_rows in [0, 5, 20] {
            let limits = Limits { data_rows, ..Limits::default() };
            let result = spreadsheet::read(name, bytes, &limits).expect_err("too many");
            let expected =
                format!("the file is too large: it has over {data_rows} rows; split it into several workbooks");
            assert_eq!(result.to_string(), expected, "{name}");
        }
    }
}

#[test]
fn limits_are_reported_in_their_own_unit() {
    let valid = valid_xlsx();
    let limits = Limits { file_bytes: 2000, ..Limits::default() };
    let result = spreadsheet::read("t.xlsx", &valid, &limits).expect_err("too large").to_string();
    assert!(result.ends_with(" kB, 2 kB are accepted"), "{result}");
    let limits = Limits { shared_string_bytes: 100, ..Limits::default() };
    let result = spreadsheet::read("t.xlsx", &valid, &limits).expect_err("too large").to_string();
    assert!(result.contains("over 100 bytes of shared strings"), "{result}");
}

#[test]
fn formatted_blank_rows_are_not_returned() {
    let blank: String = (4..20_000).map(|n| format!("<row r=\"{n}\"><c r=\"A{n}\" s=\"1\"/></row>")).collect();
    let sheet = read("blank.xlsx", &xlsx_of(&format!("<sheetData>{blank}</sheetData>"))).expect("readable");
    assert!(sheet.rows.is_empty());
    let blank = "<table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>";
    assert!(read("blank.ods", &ods_of(blank)).expect("readable").rows.is_empty());
}

#[test]
fn merged_cells_have_their_value_in_the_first_cell() {
    let sheet = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"/></row></sheetData>\
                 <mergeCells count=\"1\"><mergeCell ref=\"A1:B2\"/></mergeCells>";
    assert_eq!(cells(&read("merged.xlsx", &xlsx_of(sheet)).expect("readable")), [(1, 0, Content::Number(1.0))]);
}

#[test]
fn xlsx_cells_are_read() {
    let sheet = "<sheetData><row r=\"2\">\
        <c r=\"A2\" t=\"inlineStr\"><is><r><t>rich </t></r><rPh><t>hint</t></rPh><r><t>&lt;text&gt; &#233;</t></r></is></c>\
        <c r=\"B2\" t=\"b\"><v>1</v></c><c r=\"C2\" t=\"e\"><v>#REF!</v></c>\
        <c r=\"D2\" t=\"str\"><f>A1</f><v>cached</v></c><c r=\"E2\" t=\"str\"><f>A1</f><v></v></c>\
        <c r=\"F2\"><f>A1</f></c><c r=\"G2\"><f t=\"shared\" si=\"0\"/><v>4.5</v></c>\
        <c r=\"H2\" t=\"d\"><v>2026-01-13T00:00:00</v></c><c r=\"I2\"><v> </v></c><c/><c><v>7</v></c></row>\
        <row><c><v>1</v></c></row></sheetData>";
    let result = cells(&read("t.xlsx", &xlsx_of(sheet)).expect("readable"));
    let expected = [
        (2, 0, text("rich <text> é")),
        (2, 1, Content::Bool(true)),
        (2, 2, Content::Error("#REF!".into())),
        (2, 3, text("cached")),
        (2, 5, Content::FormulaWithoutValue),
        (2, 6, Content::Number(4.5)),
        (2, 7, text("2026-01-13T00:00:00")),
        (2, 10, Content::Number(7.0)),
        (3, 0, Content::Number(1.0)),
    ];
    assert_eq!(result, expected);
}

#[test]
fn xlsx_escapes_are_resolved() {
    let written = "one_x000D_&#10;two _x005F_x0041_ CB1_f2f";
    let sheet = format!(
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><r><t>{written}</t></r><r><t>_x00</t></r>\
         <r><t>41_</t></r></is></c><c r=\"B1\" t=\"str\"><v>_x0041_</v></c>\
         <c r=\"C1\" t=\"str\"><f>A1</f><v>_x0041_</v></c></row></sheetData>"
    );
    let expected = [(1, 0, text("one\r\ntwo _x0041_ CB1_f2f_x0041_")), (1, 1, text("A")), (1, 2, text("A"))];
    assert_eq!(cells(&read("inline.xlsx", &xlsx_of(&sheet)).expect("readable")), expected);
    // As rust_xlsxwriter writes them into the table of strings.
    let title = "A_x0041__x005F_";
    let typed = workbook_of(&[&[title, "King's Cross"]]);
    let shared = with_part(&typed, "xl/sharedStrings.xml", "King's Cross", "King_x0027_s Cross");
    let result = cells(&read("shared.xlsx", &shared).expect("readable"));
    assert_eq!(result, [(1, 0, text(title)), (1, 1, text("King's Cross"))]);
}

#[test]
fn xls_cells_are_read() {
    let sheet = read("cells.xls", include_bytes!("../data/cells.xls")).expect("readable");
    assert_eq!((sheet.name.as_str(), sheet.since_1904), ("Bläh", true));
    let expected = [
        (2, 0, text("é漢")),
        (2, 1, text(&"x".repeat(9_000))),
        (2, 2, Content::Number(12.5)),
        (2, 3, Content::Number(-3.0)),
        (2, 4, Content::Bool(true)),
        (2, 5, Content::DateTime(44573.0)),
        (2, 6, text("plain rich")),
        (2, 7, Content::Error("#REF!".into())),
        (4, 1, text("é漢")),
    ];
    assert_eq!(cells(&sheet), expected);
}

/// Any damage leads to a result, neither to a panic nor to an endless loop.
#[test]
fn damaged_xls_does_not_panic() {
    let valid = include_bytes!("../data/timetable.xls");
    for offset in (0..valid.len()).step_by(3) {
        for wrong in [0x00, 0x7f, 0xff] {
            let mut bytes = valid.to_vec();
            bytes[offset] = wrong;
            let _ = read("damaged.xls", &bytes);
        }
        let _ = read("cut.xls", &valid[..offset]);
    }
}

#[test]
fn xls_with_short_last_sector_is_read() {
    let valid = include_bytes!("../data/cells.xls");
    assert_eq!(read("short.xls", &valid[..valid.len() - 100]), read("cells.xls", valid));
}

#[test]
fn ods_cells_are_read() {
    let table = "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell/></table:table-row>\
        <table:table-row>\
          <table:table-cell table:number-columns-repeated=\"2\"/>\
          <table:table-cell office:value-type=\"string\"><text:p>a &amp;<text:s text:c=\"2\"/>b</text:p>\
            <office:annotation><text:p>note</text:p></office:annotation></table:table-cell>\
          <table:table-cell office:value-type=\"float\" office:value=\"12\"><text:p>12</text:p></table:table-cell>\
          <table:table-cell office:value-type=\"date\" office:date-value=\"2026-01-13\"><text:p>13/01/26</text:p></table:table-cell>\
          <table:table-cell office:value-type=\"time\" office:time-value=\"PT09H30M00S\"/>\
          <table:table-cell table:formula=\"of:=1\"/>\
        </table:table-row>";
    let result = cells(&read("t.ods", &ods_of(table)).expect("readable"));
    let expected = [
        (4, 2, text("a &  b")),
        (4, 3, Content::Number(12.0)),
        (4, 4, text("2026-01-13")),
        (4, 5, Content::DateTime(9.5 / 24.0)),
        (4, 6, Content::FormulaWithoutValue),
    ];
    assert_eq!(result, expected);
}

#[test]
fn cell_filter_selects_rows_and_columns() {
    let xlsx =
        workbook_of(&[&["Code", "Event title", "Day"], &["a"], &["b"], &["C", "E1"], &["C", "E2"], &["C", "E3"]]);
    let csv = b"a;b;c\n1;2;3\n\n4;5;6\n";
    let (rows, columns) = ([1, 5].into(), [1].into());
    for (name, bytes, expected) in [
        ("t.xlsx", &xlsx[..], vec![(1, 1, text("Event title")), (5, 1, text("E2"))]),
        ("t.csv", csv, vec![(1, 1, text("b"))]),
    ] {
        let filter = CellFilter { rows: Some(&rows), columns: Some(&columns) };
        let result = spreadsheet::read_filtered(name, bytes, &Limits::default(), filter).expect("readable");
        assert_eq!(cells(&result), expected, "{name}");
    }
}
