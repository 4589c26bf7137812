//! Peak memory of the program with large or hostile workbooks.

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::Result;
use crate::figure::Figure;
use crate::import::{READY, create_ready};
use crate::parse::timetable_workbook;
use crate::program::{run, run_to};
use crate::stage::Stage;

/// The number of events that fits into the accepted number of rows.
const MAX_EVENTS: usize = 25_000;

/// Exit code of an import of a file that cannot be read or has no timetable.
const INVALID_FILE: i32 = 1;

pub async fn measure(stage: &Stage) -> Result<Vec<Figure>> {
    if stage.connect(READY).await.is_err() {
        create_ready(stage).await?;
    }
    let mut figures = Vec::new();
    let many = stage.write("many.xlsx", &timetable_workbook(MAX_EVENTS)?)?;
    for (what, options) in [("dry run", "--dry-run"), ("import", "--json")] {
        stage.copy("large", READY).await?;
        let arguments = ["import", &*many.to_string_lossy(), "--deliver", "queue", options];
        let result = run(stage.program("large", None, &arguments)).await?;
        eprintln!("{what} of {MAX_EVENTS} events: {:.2} s", result.seconds);
        figures.push(Figure::memory(&format!("peak memory, {what} of {MAX_EVENTS} events"), result.peak, 256));
    }
    for (what, bytes) in hostile()? {
        let file = stage.write("hostile.xlsx", &bytes)?;
        let arguments = ["import", &*file.to_string_lossy(), "--deliver", "queue", "--dry-run"];
        let result = run_to(stage.program(READY, None, &arguments), &[INVALID_FILE]).await?;
        eprintln!("{what} ({} KB): {:.2} s, exit {}", bytes.len() / 1024, result.seconds, result.code);
        figures.push(Figure::memory(&format!("peak memory, {what}"), result.peak, 256));
    }
    Ok(figures)
}

/// Returns workbooks that need much memory when they are unpacked without limits.
fn hostile() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let row = |number: u32, cells: &str| format!("<row r=\"{number}\">{cells}</row>");
    let blank: String = (1..=1_048_576).map(|number| row(number, &format!("<c r=\"A{number}\" s=\"1\"/>"))).collect();
    let wide: String = (0..100_000).map(|_| "<c><v>1</v></c>").collect();
    let shared: String = (1..=100_000).map(|number| row(number, &"<c t=\"s\"><v>0</v></c>".repeat(30))).collect();
    let long = format!("<si><t>{}</t></si>", "x".repeat(30_000));
    Ok(vec![
        ("1,048,576 blank formatted rows", sheet(&blank, "")?),
        ("100,000 columns", sheet(&row(1, &wide), "")?),
        ("3,000,000 cells that share a text of 30,000 characters", sheet(&shared, &long)?),
        ("a part that unpacks to 1 GB", sheet(&" ".repeat(1 << 30), "")?),
        (
            "60 MB of shared strings",
            sheet(&row(1, "<c t=\"s\"><v>0</v></c>"), &"<si><t>abcdefghijklm</t></si>".repeat(2_000_000))?,
        ),
    ])
}

/// Returns a workbook with one sheet of rows and shared strings, both as XML.
fn sheet(rows: &str, strings: &str) -> Result<Vec<u8>> {
    const MAIN: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
    const LINK: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const LINKS: &str = "xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"";
    let parts = [
        (
            "_rels/.rels",
            format!(
                "<Relationships {LINKS}><Relationship Id=\"a\" Type=\"{LINK}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook {MAIN} xmlns:r=\"{LINK}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"a\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships {LINKS}><Relationship Id=\"a\" Type=\"{LINK}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                 <Relationship Id=\"b\" Type=\"{LINK}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
            ),
        ),
        ("xl/sharedStrings.xml", format!("<sst {MAIN}>{strings}</sst>")),
        ("xl/worksheets/sheet1.xml", format!("<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>")),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &parts {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}
