//! Files that somebody made to do harm, given to the program with no more memory than it may ever take (issue 4).
//!
//! Slow, for hundreds of megabytes are unpacked: `cargo test --test it -- --ignored hostile`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use zip::write::{SimpleFileOptions, ZipWriter};

/// What the program may take, in kilobytes of writable memory (`ulimit -d`).
const MEMORY_KB: u32 = 256 * 1024;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

type Zip = ZipWriter<BufWriter<File>>;

/// A part written in pieces: what stands first, what is repeated how often, what stands last.
struct Part<'a>(&'a str, &'a str, &'a str, usize, &'a str);

fn part(zip: &mut Zip, Part(name, before, again, times, after): Part<'_>) {
    zip.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).expect("a part");
    zip.write_all(before.as_bytes()).expect("written");
    let many = again.repeat(4096);
    for _ in 0..times / 4096 {
        zip.write_all(many.as_bytes()).expect("written");
    }
    zip.write_all(again.repeat(times % 4096).as_bytes()).expect("written");
    zip.write_all(after.as_bytes()).expect("written");
}

/// A workbook whose sheet is this; further parts take the place of what is usual.
fn xlsx(path: &Path, sheet: (&str, &str, usize, &str), more: &[Part<'_>]) {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).expect("a file")));
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"r2\" Type=\"{OFFICE}/sharedStrings\" Target=\"sharedStrings.xml\"/>\
         <Relationship Id=\"r3\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>"
    );
    let usual = [("xl/workbook.xml", book.as_str(), ""), ("xl/_rels/workbook.xml.rels", &links, "</Relationships>")];
    for (name, before, after) in usual.iter().filter(|(name, ..)| more.iter().all(|part| part.0 != *name)) {
        part(&mut zip, Part(name, before, "", 0, after));
    }
    let before = format!("<worksheet xmlns=\"{MAIN}\">{}", sheet.0);
    let after = format!("{}</worksheet>", sheet.3);
    part(&mut zip, Part("xl/worksheets/sheet1.xml", &before, sheet.1, sheet.2, &after));
    for Part(name, before, again, times, after) in more {
        part(&mut zip, Part(name, before, again, *times, after));
    }
    zip.finish().expect("finished").flush().expect("written");
}

fn ods(path: &Path, rows: (&str, &str, usize, &str)) {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).expect("a file")));
    let open = "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body>\
                <office:spreadsheet><table:table table:name=\"S\">";
    let close = "</table:table></office:spreadsheet></office:body></office:document-content>";
    let (before, after) = (format!("{open}{}", rows.0), format!("{}{close}", rows.3));
    part(&mut zip, Part("content.xml", &before, rows.1, rows.2, &after));
    zip.finish().expect("finished").flush().expect("written");
}

/// Every file that was tried: its name, and the code of the one problem that it is. What is not listed as `too_large`
/// or `unreadable_file` was read, and lacks its header.
const TRIED: [(&str, &str); 21] = [
    ("blank rows.xlsx", "missing_header"),
    ("blank cells.xlsx", "missing_header"),
    ("bomb.xlsx", "too_large"),
    ("cell.xlsx", "too_large"),
    ("runs.xlsx", "too_large"),
    ("columns.xlsx", "too_large"),
    ("rows.xlsx", "too_large"),
    ("strings.xlsx", "too_large"),
    ("long strings.xlsx", "too_large"),
    ("nested.xlsx", "too_large"),
    ("attribute.xlsx", "too_large"),
    ("relations.xlsx", "too_large"),
    ("styles.xlsx", "too_large"),
    ("parts.xlsx", "too_large"),
    ("entities.xlsx", "unreadable_file"),
    ("external.xlsx", "unreadable_file"),
    ("cells.ods", "too_large"),
    ("repeated.ods", "too_large"),
    ("paragraphs.ods", "too_large"),
    ("line.csv", "too_large"),
    ("columns.csv", "too_large"),
];

fn make(name: &str, path: &Path) {
    let sheet = |before, again, times, after| xlsx(path, (before, again, times, after), &[]);
    let with = |more: Part<'_>| xlsx(path, ("<sheetData>", "", 0, "</sheetData>"), &[more]);
    let cell = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is>";
    match name {
        "blank rows.xlsx" => sheet("<sheetData>", "<row><c s=\"1\"/></row>", 1_048_576, "</sheetData>"),
        "blank cells.xlsx" => sheet("<sheetData><row r=\"1\">", "<c s=\"1\"/>", 10_000_000, "</row></sheetData>"),
        "bomb.xlsx" => sheet("<sheetData>", "          ", 60_000_000, "</sheetData>"),
        "cell.xlsx" => {
            let before = format!("{cell}<t>");
            sheet(&before, "aaaaaaaaaa", 30_000_000, "</t></is></c></row></sheetData>");
        }
        "runs.xlsx" => sheet(cell, "<r><t>aaaaaaaaaa</t></r>", 15_000_000, "</is></c></row></sheetData>"),
        "columns.xlsx" => sheet("<sheetData><row r=\"1\">", "<c><v>1</v></c>", 100_000, "</row></sheetData>"),
        "rows.xlsx" => sheet("<sheetData>", "<row><c><v>1</v></c></row>", 1_048_576, "</sheetData>"),
        "nested.xlsx" => sheet("", "<a>", 100_000_000, ""),
        "attribute.xlsx" => sheet("<sheetData><row r=\"", "1111111111", 30_000_000, "\"/></sheetData>"),
        "strings.xlsx" => with(Part("xl/sharedStrings.xml", "<sst>", "<si/>", 12_000_000, "</sst>")),
        "long strings.xlsx" => {
            let one = format!("<si><t>{}</t></si>", "a".repeat(1_000));
            with(Part("xl/sharedStrings.xml", "<sst>", &one, 300_000, "</sst>"));
        }
        "relations.xlsx" => {
            with(Part(
                "xl/_rels/workbook.xml.rels",
                "<Relationships>",
                "<Relationship/>",
                20_000_000,
                "</Relationships>",
            ));
        }
        "styles.xlsx" => {
            with(Part("xl/styles.xml", "<styleSheet><cellXfs>", "<xf/>", 60_000_000, "</cellXfs></styleSheet>"));
        }
        "parts.xlsx" => {
            let mut zip = ZipWriter::new(BufWriter::new(File::create(path).expect("a file")));
            for number in 0..60_000 {
                zip.start_file(number.to_string(), SimpleFileOptions::default()).expect("a part");
            }
            zip.finish().expect("finished").flush().expect("written");
        }
        "entities.xlsx" => {
            with(Part(
                "xl/sharedStrings.xml",
                "<!DOCTYPE s [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><sst>",
                "",
                0,
                "</sst>",
            ));
        }
        "external.xlsx" => {
            with(Part(
                "xl/sharedStrings.xml",
                "<!DOCTYPE s [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><sst>",
                "",
                0,
                "</sst>",
            ));
        }
        "cells.ods" => {
            let one = "<table:table-cell office:value=\"1\"/>";
            ods(path, ("<table:table-row>", one, 10_000_000, "</table:table-row>"));
        }
        "repeated.ods" => {
            let row = "<table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell office:value=\"1\" \
                       table:number-columns-repeated=\"16384\"/></table:table-row>";
            ods(path, (row, "", 0, ""));
        }
        "paragraphs.ods" => {
            let before = "<table:table-row><table:table-cell>";
            ods(path, (before, "<text:p>aaaaaaaaaa</text:p>", 15_000_000, "</table:table-cell></table:table-row>"));
        }
        "line.csv" => std::fs::write(path, "x".repeat(45 << 20)).expect("a file"),
        "columns.csv" => std::fs::write(path, "x,".repeat(100_000)).expect("a file"),
        other => panic!("{other} is not described"),
    }
}

#[test]
#[ignore = "unpacks gigabytes"]
fn hostile_files_are_one_clear_problem_in_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (name, code) in TRIED {
        let path = folder.path().join(name);
        make(name, &path);
        let output = Command::new("sh")
            .args(["-c", "ulimit -d \"$0\"; exec \"$@\"", &MEMORY_KB.to_string(), env!("CARGO_BIN_EXE_lectern")])
            .args(["import", path.to_str().expect("a path"), "--json", "--data-dir"])
            .arg(folder.path())
            .output()
            .expect("the program runs");
        std::fs::remove_file(&path).expect("removed");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if (output.status.code(), told["problems"][0]["code"].as_str()) != (Some(1), Some(code)) {
            wrong.push(format!("{name}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
