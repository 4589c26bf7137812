//! Malicious workbooks, read by the program with limited memory.
//!
//! Files that unpack to hundreds of megabytes are slow: `make hostile` includes them and prints the memory of each.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

mod ole;

use ole::{compound, record, xls};
use zip::write::{SimpleFileOptions, ZipWriter};

/// Writable memory that the program may use, in kilobytes (`ulimit -d`).
const MEMORY_KB: u32 = 256 * 1024;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

type Zip = ZipWriter<BufWriter<File>>;

/// A part of a ZIP file: name, start, repeated text, number of repetitions, end.
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

/// Writes a workbook with this sheet; `parts` replace the usual ones.
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

/// Fast files: name and the code of the expected problem. A file with another code than `too_large` and
/// `unreadable_file` was read and has no header.
const SMALL: [(&str, &str); 20] = [
    ("columns.xlsx", "too_large"),
    ("sheets.xlsx", "too_large"),
    ("merged.xlsx", "missing_header"),
    ("lying.xlsx", "unreadable_file"),
    ("overlong.xlsx", "unreadable_file"),
    ("parts.xlsx", "too_large"),
    ("entities.xlsx", "unreadable_file"),
    ("external.xlsx", "unreadable_file"),
    ("formulas.xlsx", "missing_header"),
    ("repeated.ods", "too_large"),
    ("wide.ods", "too_large"),
    ("nested.ods", "too_large"),
    ("columns.csv", "too_large"),
    ("quotes.csv", "unreadable_file"),
    ("corners.xls", "missing_header"),
    ("shared.xls", "too_large"),
    ("round.xls", "unreadable_file"),
    ("password.xls", "unreadable_file"),
    ("password.xlsx", "unreadable_file"),
    ("promised.xls", "unreadable_file"),
];

/// Slow files.
const HUGE: [(&str, &str); 24] = [
    ("blank rows.xlsx", "missing_header"),
    ("blank cells.xlsx", "missing_header"),
    ("bomb.xlsx", "too_large"),
    ("cell.xlsx", "too_large"),
    ("runs.xlsx", "too_large"),
    ("rows.xlsx", "too_large"),
    ("cells.xlsx", "missing_header"),
    ("texts.xlsx", "too_large"),
    ("one text.xlsx", "too_large"),
    ("problems.xlsx", "too_large"),
    ("strings.xlsx", "too_large"),
    ("long strings.xlsx", "too_large"),
    ("nested.xlsx", "unreadable_file"),
    ("attribute.xlsx", "too_large"),
    ("relations.xlsx", "too_large"),
    ("styles.xlsx", "too_large"),
    ("many merged.xlsx", "missing_header"),
    ("cells.ods", "too_large"),
    ("paragraphs.ods", "too_large"),
    ("text.ods", "too_large"),
    ("line.csv", "too_large"),
    ("rows.csv", "too_large"),
    ("cells.xls", "missing_header"),
    ("strings.xls", "too_large"),
];

fn write_file(name: &str, path: &Path) {
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
        "cells.xlsx" => {
            let row = format!("<row>{}</row>", "<c><v>1</v></c>".repeat(40));
            sheet("<sheetData>", &row, 100_000, "</sheetData>");
        }
        "texts.xlsx" => {
            let texts: String = (0..3_000_000).map(|n| format!("<c t=\"str\"><v>{n:x}</v></c>")).collect();
            let rows = texts.split_inclusive("</c>").collect::<Vec<_>>();
            let rows: Vec<String> = rows.chunks(40).map(|row| format!("<row>{}</row>", row.concat())).collect();
            sheet(&format!("<sheetData>{}", rows.concat()), "", 0, "</sheetData>");
        }
        "one text.xlsx" => {
            let strings = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(30_000));
            let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(40));
            xlsx(
                path,
                ("<sheetData>", &row, 75_000, "</sheetData>"),
                &[Part("xl/sharedStrings.xml", &strings, "", 0, "")],
            );
        }
        "problems.xlsx" => {
            let header = lectern::timetable_import::layout::LAYOUT.iter();
            let header = header.map(|column| format!("<c t=\"str\"><v>{}</v></c>", column.header));
            let header = format!("<sheetData><row>{}</row>", header.collect::<String>());
            sheet(&header, "<row><c t=\"str\"><v>CB1</v></c></row>", 100_000, "</sheetData>");
        }
        "formulas.xlsx" => sheet("<sheetData><row>", "<c><f>A1</f></c>", 16_000, "</row></sheetData>"),
        "merged.xlsx" => {
            sheet("<sheetData/><mergeCells>", "<mergeCell ref=\"A1:XFD1048576\"/>", 10_000, "</mergeCells>");
        }
        "many merged.xlsx" => {
            sheet("<sheetData/><mergeCells>", "<mergeCell ref=\"A1:XFD1048576\"/>", 5_000_000, "</mergeCells>");
        }
        "sheets.xlsx" => {
            let one = "<sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/>";
            with(Part("xl/workbook.xml", "<workbook><sheets>", one, 100_000, "</sheets></workbook>"));
        }
        "lying.xlsx" => {
            // The directory states ten bytes for the sheet.
            sheet("<sheetData>", "<row><c><v>1</v></c></row>", 101_000, "</sheetData>");
            let mut bytes = std::fs::read(path).expect("a file");
            let stated = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").expect("an entry") + 24;
            bytes[stated..stated + 4].copy_from_slice(&10_u32.to_le_bytes());
            std::fs::write(path, bytes).expect("a file");
        }
        "overlong.xlsx" => {
            // The directory states, in 64 bits, more parts than atoms.
            let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
            zip.start_file("xl/workbook.xml", SimpleFileOptions::default()).expect("a part");
            let mut bytes = zip.finish().expect("finished").into_inner();
            let end = bytes.len() - 22;
            let mut far = b"PK\x06\x06".to_vec();
            far.extend(44_u64.to_le_bytes());
            far.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [u64::MAX, u64::MAX, u64::MAX, 0] {
                far.extend(number.to_le_bytes());
            }
            far.extend(b"PK\x06\x07");
            far.extend(0_u32.to_le_bytes());
            far.extend((end as u64).to_le_bytes());
            far.extend(1_u32.to_le_bytes());
            bytes[end + 8..end + 20].fill(0xff);
            bytes.splice(end..end, far);
            std::fs::write(path, bytes).expect("a file");
        }
        "wide.ods" => {
            let cell = "<table:table-row><table:table-cell office:value=\"1\" \
                        table:number-columns-repeated=\"4294967295\"/></table:table-row>";
            ods(path, (cell, "", 0, ""));
        }
        "nested.ods" => ods(path, ("", "<text:span>", 2_000, "")),
        "text.ods" => {
            let before = "<table:table-row><table:table-cell><text:p>";
            ods(path, (before, "aaaaaaaaaa", 30_000_000, "</text:p></table:table-cell></table:table-row>"));
        }
        "quotes.csv" => std::fs::write(path, "\"a\n".repeat(10_000) + "\"").expect("a file"),
        "rows.csv" => std::fs::write(path, "a,b\n".repeat(12 << 20)).expect("a file"),
        "corners.xls" => {
            let number = |row: u16, column: u16| {
                record(0x0203, &[&row.to_le_bytes(), &column.to_le_bytes(), &[0; 2], &1_f64.to_le_bytes()])
            };
            let corners = [number(0, 0), number(u16::MAX, 255)].concat();
            let dimensions = record(0x0200, &[&[0; 4], &65_536_u32.to_le_bytes(), &[0, 0, 0, 1, 0, 0]]);
            std::fs::write(path, xls(&[], &[dimensions, corners].concat())).expect("a file");
        }
        "shared.xls" => {
            let text = [&30_000_u16.to_le_bytes()[..], &[0]].concat();
            let pieces: Vec<Vec<u8>> = (0..4)
                .map(|piece| if piece == 0 { vec![b'a'; 7_500] } else { [&[0][..], &[b'a'; 7_500]].concat() })
                .collect();
            let mut strings = record(0x00fc, &[&[0; 4], &1_u32.to_le_bytes(), &text, &pieces[0]]);
            pieces[1..].iter().for_each(|piece| strings.extend(record(0x003c, &[piece])));
            let cell = |n: u32| {
                let (row, column) = ((n / 250) as u16, (n % 250) as u16);
                record(0x00fd, &[&row.to_le_bytes(), &column.to_le_bytes(), &[0; 6]])
            };
            std::fs::write(path, xls(&strings, &(0..10_000).flat_map(cell).collect::<Vec<_>>())).expect("a file");
        }
        "cells.xls" => {
            let numbers: Vec<u8> = [[0_u8, 0, 6, 0, 0, 0]; 250].concat();
            let row = |row: u16| record(0x00bd, &[&row.to_le_bytes(), &[0; 2], &numbers, &249_u16.to_le_bytes()]);
            std::fs::write(path, xls(&[], &(0..13_000).flat_map(row).collect::<Vec<_>>())).expect("a file");
        }
        "strings.xls" => {
            let empty = vec![0; 8_223];
            let mut strings = record(0x00fc, &[&[0; 4], &6_000_000_u32.to_le_bytes(), &empty[..8_214]]);
            (0..2_200).for_each(|_| strings.extend(record(0x003c, &[&empty])));
            std::fs::write(path, xls(&strings, &[])).expect("a file");
        }
        "round.xls" => std::fs::write(path, compound("Workbook", &[9; 9_000], true)).expect("a file"),
        "promised.xls" => {
            let strings = record(0x00fc, &[&[0; 4], &u32::MAX.to_le_bytes()]);
            std::fs::write(path, xls(&strings, &[])).expect("a file");
        }
        "password.xls" => std::fs::write(path, xls(&record(0x002f, &[&[1, 0, 1, 0]]), &[])).expect("a file"),
        "password.xlsx" => std::fs::write(path, compound("EncryptedPackage", &[7; 9_000], false)).expect("a file"),
        other => panic!("{other} is not described"),
    }
}

#[test]
fn hostile_files_are_one_clear_problem_in_little_memory() {
    check_files(&SMALL);
}

#[test]
#[ignore = "unpacks gigabytes: make hostile"]
fn huge_hostile_files_are_one_clear_problem_in_little_memory() {
    check_files(&HUGE);
}

fn check_files(tried: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (name, code) in tried {
        let path = folder.path().join(name);
        write_file(name, &path);
        let size = std::fs::metadata(&path).expect("a file").len();
        let (status, document, peak) = import(&path, folder.path());
        std::fs::remove_file(&path).expect("removed");
        let problem = &document["problems"][0];
        println!("{name}: {} KB, peak {} MB: {} {}", size >> 10, peak >> 10, problem["code"], problem["message"]);
        if (status.code(), problem["code"].as_str()) != (Some(1), Some(code)) || peak > u64::from(MEMORY_KB) {
            wrong.push(format!("{name}: {status}, {peak} KB, {document}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Imports a file and returns status, document and peak memory in kilobytes (`VmHWM`, as last read).
fn import(file: &Path, folder: &Path) -> (ExitStatus, serde_json::Value, u64) {
    let output = File::create(folder.join("told.json")).expect("a file");
    let mut program = Command::new("sh")
        .args(["-c", "ulimit -d \"$0\"; exec \"$@\"", &MEMORY_KB.to_string(), env!("CARGO_BIN_EXE_lectern")])
        .args(["import", file.to_str().expect("a path"), "--json", "--data-dir"])
        .arg(folder)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let highest = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = highest.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(peak).max(peak);
        match program.try_wait().expect("it is ours") {
            Some(status) => break status,
            None => std::thread::park_timeout(Duration::from_millis(2)),
        }
    };
    let document = std::fs::read(folder.join("told.json")).expect("what it told");
    (status, serde_json::from_slice(&document).unwrap_or_default(), peak)
}
