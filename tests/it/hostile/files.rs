//! Malicious workbooks, written file by file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use super::cfb::{compound, record, xls};

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

/// Writes a described file.
pub fn write_file(name: &str, path: &Path) {
    let is_described = match name.rsplit_once('.') {
        Some((_, "xlsx")) => write_sheet(name, path) || write_part(name, path) || write_container(name, path),
        Some((_, "ods")) => write_ods(name, path),
        Some((_, "csv")) => write_csv(name, path),
        Some((_, "xls")) => write_xls(name, path),
        _ => false,
    };
    assert!(is_described, "{name} is not described");
}

/// Writes an `.xlsx` with a malicious sheet. Returns whether the name is described here.
fn write_sheet(name: &str, path: &Path) -> bool {
    let sheet = |before, again, times, after| xlsx(path, (before, again, times, after), &[]);
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
        _ => return false,
    }
    true
}

/// Writes an `.xlsx` with another malicious part.
fn write_part(name: &str, path: &Path) -> bool {
    let with = |more: Part<'_>| xlsx(path, ("<sheetData>", "", 0, "</sheetData>"), &[more]);
    match name {
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
        "sheets.xlsx" => {
            let one = "<sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/>";
            with(Part("xl/workbook.xml", "<workbook><sheets>", one, 100_000, "</sheets></workbook>"));
        }
        _ => return false,
    }
    true
}

/// Writes an `.xlsx` whose ZIP file is malicious.
fn write_container(name: &str, path: &Path) -> bool {
    let sheet = |before, again, times, after| xlsx(path, (before, again, times, after), &[]);
    match name {
        "parts.xlsx" => {
            let mut zip = ZipWriter::new(BufWriter::new(File::create(path).expect("a file")));
            for number in 0..60_000 {
                zip.start_file(number.to_string(), SimpleFileOptions::default()).expect("a part");
            }
            zip.finish().expect("finished").flush().expect("written");
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
        "password.xlsx" => std::fs::write(path, compound("EncryptedPackage", &[7; 9_000], false)).expect("a file"),
        _ => return false,
    }
    true
}

/// Writes a malicious `.ods`.
fn write_ods(name: &str, path: &Path) -> bool {
    match name {
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
        _ => return false,
    }
    true
}

/// Writes a malicious `.csv`.
fn write_csv(name: &str, path: &Path) -> bool {
    match name {
        "line.csv" => std::fs::write(path, "x".repeat(45 << 20)).expect("a file"),
        "columns.csv" => std::fs::write(path, "x,".repeat(100_000)).expect("a file"),
        "quotes.csv" => std::fs::write(path, "\"a\n".repeat(10_000) + "\"").expect("a file"),
        "rows.csv" => std::fs::write(path, "a,b\n".repeat(12 << 20)).expect("a file"),
        _ => return false,
    }
    true
}

/// Writes a malicious `.xls`.
fn write_xls(name: &str, path: &Path) -> bool {
    match name {
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
        _ => return false,
    }
    true
}
