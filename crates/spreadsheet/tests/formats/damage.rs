//! Damaged files: any change of a byte leads to a result, neither to a panic nor to an endless loop.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::files::{ods_of, valid_xlsx, with_bytes};
use super::read;

/// Bytes that replace each tried one: those with a meaning in zip, XML, UTF-8, csv or number formats.
const WRONG: [u8; 8] = [0x00, 0x7f, 0xc3, 0xff, b'<', b'"', b'&', b'='];

/// Tries each wrong byte at every `step`th place, and the file cut there.
fn damage(bytes: &[u8], step: usize, mut try_read: impl FnMut(&[u8])) {
    for (at, wrong) in (0..bytes.len()).step_by(step).zip(WRONG.iter().cycle()) {
        let mut damaged = bytes.to_vec();
        damaged[at] = *wrong;
        try_read(&damaged);
        try_read(&bytes[..at]);
    }
}

/// Returns the content of one part.
pub fn part_of(zipped: &[u8], name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zipped)).expect("a zip file");
    let mut content = Vec::new();
    archive.by_name(name).expect("the part").read_to_end(&mut content).expect("readable");
    content
}

#[test]
fn damaged_parts_do_not_panic() {
    let row = "<table:table-row table:number-rows-repeated=\"2\"><table:table-cell office:value=\"123\"><text:p>0123</text:p>\
               </table:table-cell><table:table-cell office:time-value=\"PT09H30M00S\"/><table:table-cell \
               office:string-value=\"x\"><text:p><![CDATA[a]]>&amp;é<text:s text:c=\"2\"/></text:p></table:table-cell>\
               </table:table-row>";
    let (xlsx, ods) = (valid_xlsx(), ods_of(row));
    let parts = [
        (&xlsx, "xl/worksheets/sheet1.xml", 3),
        (&xlsx, "xl/sharedStrings.xml", 3),
        (&xlsx, "xl/styles.xml", 7),
        (&xlsx, "xl/workbook.xml", 5),
        (&xlsx, "xl/_rels/workbook.xml.rels", 5),
        (&xlsx, "_rels/.rels", 5),
        (&ods, "content.xml", 2),
    ];
    for (file, name, step) in parts {
        damage(&part_of(file, name), step, |content| _ = read("t", &with_bytes(file, name, content)));
    }
}

#[test]
fn damaged_containers_and_texts_do_not_panic() {
    for file in [valid_xlsx(), ods_of("<table:table-row><table:table-cell office:value=\"1\"/></table:table-row>")] {
        damage(&file, 5, |bytes| _ = read("t.xlsx", bytes));
    }
    let table = "sep=;\r\ncode;title;=\"a;b\"\r\n\"x \"\"y\"\"\";é漢;01/02/2027\r\n\u{1a}";
    let utf16: Vec<u8> =
        "\u{feff}".chars().chain(table.chars()).collect::<String>().encode_utf16().flat_map(u16::to_le_bytes).collect();
    for file in [table.as_bytes(), &table.as_bytes()[7..], &utf16, &utf16[2..]] {
        for _ in 0..WRONG.len() {
            damage(file, 1, |bytes| _ = read("t.csv", bytes));
        }
    }
}
