//! Builders of test files.

use std::io::{Cursor, Read, Write};

use rust_xlsxwriter::Workbook;
use spreadsheet::{CellValue, write_row};
use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Returns a workbook of one sheet with these rows, from A1 on.
pub fn workbook_of(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, texts) in (0..).zip(rows) {
        let values: Vec<(u16, CellValue)> = (0..).zip(texts.iter().map(|text| CellValue::from(*text))).collect();
        write_row(sheet, row, &values).expect("a row");
    }
    book.save_to_buffer().expect("memory")
}

/// Returns a valid workbook of several kilobytes.
pub fn valid_xlsx() -> Vec<u8> {
    let header =
        ["Course template code", "Event title", "Session title", "Learning mode", "Location", "Venue", "Time zone"];
    workbook_of(&[&header, &["CB1_f2f_3", "A", "A-1", "Blended", "London", "King's Cross", "Europe - London"]])
}

/// Replaces a text in one part of a zipped workbook.
pub fn with_part(zipped: &[u8], part: &str, old: &str, new: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zipped)).expect("a zip file");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("a part");
        let name = entry.name().expect("a name").into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("readable");
        if name == part {
            let text = String::from_utf8(content).expect("text");
            assert!(text.contains(old), "{part} has no {old}");
            content = text.replace(old, new).into_bytes();
        }
        writer.start_file(name, SimpleFileOptions::default()).expect("a new part");
        writer.write_all(&content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Renames the parts of a zipped workbook.
pub fn with_names(zipped: &[u8], rename: impl Fn(&str) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zipped)).expect("a zip file");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("a part");
        let name = rename(&entry.name().expect("a name"));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("readable");
        writer.start_file(name, SimpleFileOptions::default()).expect("a new part");
        writer.write_all(&content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Returns a zip file with these parts.
pub fn zip_of(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a new part");
        writer.write_all(content.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Returns a workbook whose only sheet is this XML.
pub fn xlsx_of(sheet: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{relation}\"><sheets>\
         <sheet name=\"Import\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\" \
         Type=\"{relation}/worksheet\"/></Relationships>"
    );
    let sheet = format!("<worksheet xmlns=\"{main}\">{sheet}</worksheet>");
    let root = format!(
        "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" Target=\"xl/workbook.xml\" \
         Type=\"{relation}/officeDocument\"/></Relationships>"
    );
    let parts = [
        ("_rels/.rels", root),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, content) in parts {
        writer.start_file(name, SimpleFileOptions::default()).expect("a new part");
        writer.write_all(content.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Returns an OpenDocument workbook whose first table is this XML.
pub fn ods_of(table: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body>\
         <office:spreadsheet><table:table table:name=\"Import\">{table}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    writer.start_file("content.xml", SimpleFileOptions::default()).expect("a new part");
    writer.write_all(content.as_bytes()).expect("memory");
    writer.finish().expect("memory").into_inner()
}

/// Replaces the content of one part of a zipped workbook.
pub fn with_bytes(zipped: &[u8], part: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zipped)).expect("a zip file");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("a part");
        let name = entry.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("readable");
        writer.start_file(&*name, options).expect("a new part");
        writer.write_all(if name == part { content } else { &bytes }).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}
