//! Files as programs other than Excel write them, and files that users damaged a little.

use spreadsheet::{Content, FormattedNumber, InvalidValue, ReadError};

use super::damage::part_of;
use super::files::{ods_of, with_bytes, with_names, with_part, workbook_of, xlsx_of, zip_of};
use super::{cells, read, text};

/// Returns the cells of a file that is read.
fn cells_of(name: &str, bytes: &[u8]) -> Vec<(u32, u32, Content)> {
    cells(&read(name, bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn reason(name: &str, bytes: &[u8]) -> String {
    match read(name, bytes) {
        Err(ReadError::Unreadable(reason)) => reason,
        other => panic!("{name}: {other:?}"),
    }
}

fn formatted(number: f64, shown: &str) -> Content {
    Content::FormattedNumber(Box::new(FormattedNumber { number, shown: shown.into() }))
}

fn one_cell(content: &str) -> String {
    format!("<sheetData><row r=\"1\">{content}</row></sheetData>")
}

#[test]
fn names_repeated_in_an_extension_list_are_ignored() {
    let plain = xlsx_of(&one_cell("<c r=\"A1\"><v>1</v></c>"));
    let extension = "<extLst><ext uri=\"u\"><x15:workbookPr chartTrackingRefBase=\"1\"/>\
                     <x15:sheet name=\"Other\"/></ext></extLst></workbook>";
    let elsewhere =
        "<x15:workbookPr date1904=\"0\"/><AlternateContent><Choice><workbookPr/></Choice></AlternateContent>";
    for (properties, since_1904) in [
        ("<workbookPr date1904=\"1\"/>", true),
        ("<workbookPr date1904=\"true\"/>", true),
        ("<workbookPr/>", false),
        ("<workbookPr/><x15:workbookPr date1904=\"1\"/>", false),
        (&format!("<workbookPr date1904=\"1\"/>{elsewhere}"), true),
    ] {
        let file = with_part(&plain, "xl/workbook.xml", "<sheets>", &format!("{properties}<sheets>"));
        let file = with_part(&file, "xl/workbook.xml", "</workbook>", extension);
        let sheet = read("t.xlsx", &file).expect("readable");
        assert_eq!((sheet.since_1904, sheet.name.as_str()), (since_1904, "Import"), "{properties}");
    }
    let endless = with_part(&plain, "xl/workbook.xml", "</workbook>", "<extLst><ext>");
    assert!(read("t.xlsx", &endless).is_err());
    let deep = with_part(&plain, "xl/workbook.xml", "</workbook>", &format!("<extLst>{}", "<a>".repeat(2000)));
    assert!(matches!(read("t.xlsx", &deep), Err(ReadError::TooLarge(_))));
}

#[test]
fn part_names_are_found_in_any_case_and_with_backslashes() {
    let plain = workbook_of(&[&["code", "title"]]);
    let expected = [(1, 0, text("code")), (1, 1, text("title"))];
    let lower = with_names(&plain, str::to_lowercase);
    let upper = with_names(&plain, str::to_uppercase);
    let windows = with_names(&plain, |name| name.replace('/', "\\"));
    let rooted = with_names(&plain, |name| format!("/{name}"));
    let dotted = with_names(&plain, |name| format!("./{name}"));
    let encoded = with_names(&plain, |name| name.replace("sheet1", "sheet%31"));
    for (name, file) in [
        ("lower", lower),
        ("upper", upper),
        ("windows", windows),
        ("rooted", rooted),
        ("dotted", dotted),
        ("encoded", encoded),
    ] {
        assert_eq!(cells_of(&format!("{name}.xlsx"), &file), expected, "{name}");
    }
}

#[test]
fn main_part_is_found_by_its_relation() {
    let plain = workbook_of(&[&["code"]]);
    let renamed = with_names(&plain, |name| name.replace("workbook.xml", "book22.xml"));
    let renamed = with_part(&renamed, "_rels/.rels", "xl/workbook.xml", "xl/book22.xml");
    assert_eq!(cells_of("t.xlsx", &renamed), [(1, 0, text("code"))]);
    let missing = with_part(&plain, "_rels/.rels", "xl/workbook.xml", "xl/missing.xml");
    assert_eq!(cells_of("t.xlsx", &missing), [(1, 0, text("code"))]);
}

#[test]
fn targets_of_relations_are_resolved_as_uris() {
    let plain = xlsx_of(&one_cell("<c r=\"A1\"><v>1</v></c>"));
    let links = "xl/_rels/workbook.xml.rels";
    for target in [
        "./worksheets/sheet1.xml",
        "../xl/worksheets/sheet1.xml",
        "/xl/worksheets/sheet1.xml",
        "worksheets/./sheet1.xml",
        "worksheets/sheet%31.xml",
        "worksheets\\sheet1.xml",
        "../../../xl/worksheets/sheet1.xml",
        "worksheets/sheet1.xml#Import!A1",
        " worksheets/sheet1.xml",
    ] {
        let file = with_part(&plain, links, "worksheets/sheet1.xml", target);
        assert_eq!(cells_of("t.xlsx", &file), [(1, 0, Content::Number(1.0))], "{target}");
    }
}

#[test]
fn value_that_does_not_fit_its_cell_is_a_problem_of_that_cell() {
    let sheet = one_cell(
        "<c r=\"A1\"><v>ask Petra</v></c><c r=\"B1\" t=\"s\"><v>7</v></c><c r=\"c1\"><v>3</v></c><c r=\"$D$1\"><v>NaN</v></c>\
         <c r=\"E1\" t=\"b\"><v>perhaps</v></c><c r=\"F1\" t=\"b\"><v>TRUE</v></c><c r=\"G1\" t=\"d\"><v>46054</v></c>",
    );
    let invalid = |text: &str, reason| Content::Invalid(Box::new(InvalidValue { text: text.into(), reason }));
    let expected = [
        (1, 0, invalid("ask Petra", "is not a number")),
        (1, 1, invalid("7", "is the number of a text that is not in the file")),
        (1, 2, Content::Number(3.0)),
        (1, 3, invalid("NaN", "is not a number")),
        (1, 4, invalid("perhaps", "is neither true nor false")),
        (1, 5, Content::Bool(true)),
        (1, 6, Content::DateTime(46_054.0)),
    ];
    assert_eq!(cells_of("t.xlsx", &xlsx_of(&sheet)), expected);
    let table = "<table:table-row><table:table-cell office:value=\"many\"><text:p>many</text:p></table:table-cell>\
                 <table:table-cell office:time-value=\"noon\"/><table:table-cell><text:p>x</text:p></table:table-cell>\
                 </table:table-row>";
    let expected =
        [(1, 0, invalid("many", "is not a number")), (1, 1, invalid("noon", "is not a time")), (1, 2, text("x"))];
    assert_eq!(cells_of("t.ods", &ods_of(table)), expected);
}

#[test]
fn bytes_outside_utf8_damage_their_cell_alone() {
    let damaged = |part: &[u8]| part.iter().map(|byte| if *byte == b'~' { 0xe9 } else { *byte }).collect::<Vec<_>>();
    let lost = InvalidValue { text: "Caf\u{fffd}".into(), reason: "has a character that cannot be read" };
    let expected = [(1, 0, text("Zoë")), (1, 1, Content::Invalid(Box::new(lost)))];
    let shared = workbook_of(&[&["Zoë", "Caf~"]]);
    let inline = "<c t=\"inlineStr\"><is><t>Zoë</t></is></c><c t=\"str\"><v>Caf~</v></c>";
    let table = "<table:table-row><table:table-cell><text:p>Zoë</text:p></table:table-cell>\
                 <table:table-cell><text:p>Caf~</text:p></table:table-cell></table:table-row>";
    for (file, part) in [
        (shared, "xl/sharedStrings.xml"),
        (xlsx_of(&one_cell(inline)), "xl/worksheets/sheet1.xml"),
        (ods_of(table), "content.xml"),
    ] {
        let file = with_bytes(&file, part, &damaged(&part_of(&file, part)));
        assert_eq!(cells_of("t.xlsx", &file), expected, "{part}");
    }
}

#[test]
fn ods_epoch_and_drawings_before_the_rows_are_read() {
    let drawing = "<table:shapes><draw:frame><table:table><table:table-row><table:table-cell><text:p>drawn</text:p>\
                   </table:table-cell></table:table-row></table:table></draw:frame></table:shapes>";
    let row = "<table:table-row><table:table-cell office:boolean-value=\"perhaps\"/><table:table-cell office:value=\"NaN\"/>\
               <table:table-cell><text:p>x<text:script>y</text:script></text:p></table:table-cell></table:table-row>";
    let plain = ods_of(&format!("{drawing}{row}"));
    let settings =
        "<table:calculation-settings><table:null-date table:date-value=\"1904-01-01\"/></table:calculation-settings>";
    let moved = with_part(&plain, "content.xml", "<office:spreadsheet>", &format!("<office:spreadsheet>{settings}"));
    let invalid = |text: &str, reason| Content::Invalid(Box::new(InvalidValue { text: text.into(), reason }));
    for (file, since_1904) in [(plain, false), (moved, true)] {
        let sheet = read("t.ods", &file).expect("readable");
        assert_eq!(sheet.since_1904, since_1904);
        let expected = [
            (1, 0, invalid("perhaps", "is neither true nor false")),
            (1, 1, invalid("NaN", "is not a number")),
            (1, 2, text("x")),
        ];
        assert_eq!(cells(&sheet), expected);
    }
}

#[test]
fn numbers_keep_what_their_format_shows() {
    let table = "<table:table-row><table:table-cell office:value=\"123\"><text:p>0123</text:p></table:table-cell>\
                 <table:table-cell office:value=\"5\"><text:p>5</text:p></table:table-cell></table:table-row>";
    let expected = [(1, 0, formatted(123.0, "0123")), (1, 1, Content::Number(5.0))];
    assert_eq!(cells_of("t.ods", &ods_of(table)), expected);
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, code) in (0..).zip(["0000", "Standard", "dd/mm/yyyy"]) {
        let format = rust_xlsxwriter::Format::new().set_num_format(code);
        sheet.write_number_with_format(0, column, 123.0, &format).expect("a cell");
    }
    let expected = [(1, 0, formatted(123.0, "0123")), (1, 1, Content::Number(123.0)), (1, 2, Content::DateTime(123.0))];
    assert_eq!(cells_of("t.xlsx", &book.save_to_buffer().expect("memory")), expected);
}

#[test]
fn ods_text_is_that_of_its_own_paragraphs() {
    let table = "<table:table-row>\
        <table:table-cell><text:p><![CDATA[King's & <Co>]]></text:p></table:table-cell>\
        <table:table-cell><draw:frame><draw:text-box><text:p>ask Petra</text:p></draw:text-box></draw:frame>\
          <text:p>Lon<text:span>don</text:span><text:note><text:note-body><text:p>1</text:p></text:note-body></text:note></text:p>\
          </table:table-cell>\
        <table:table-cell><text:p><text:ruby><text:ruby-base>東京</text:ruby-base>\
          <text:ruby-text>とうきょう</text:ruby-text></text:ruby></text:p></table:table-cell>\
        <table:table-cell office:value-type=\"string\" office:string-value=\"stored\"/>\
        <table:table-cell office:value-type=\"string\" office:string-value=\"stored\"><text:p>shown</text:p></table:table-cell>\
        <table:table-cell><table:shapes><draw:g><text:p>drawn</text:p></draw:g></table:shapes></table:table-cell>\
        </table:table-row>";
    let expected = [
        (1, 0, text("King's & <Co>")),
        (1, 1, text("London")),
        (1, 2, text("東京")),
        (1, 3, text("stored")),
        (1, 4, text("stored")),
    ];
    assert_eq!(cells_of("t.ods", &ods_of(table)), expected);
}

#[test]
fn csv_encodings_are_detected() {
    let table = "Zoë,Łódź\nxylophone,y\n";
    let expected = [(1, 0, text("Zoë")), (1, 1, text("Łódź")), (2, 0, text("xylophone")), (2, 1, text("y"))];
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let mut file = mark.to_vec();
        table.encode_utf16().for_each(|unit| file.extend(bytes(unit)));
        file
    };
    for file in [
        table.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", table.as_bytes()].concat(),
        utf16(b"\xff\xfe", u16::to_le_bytes),
        utf16(b"\xfe\xff", u16::to_be_bytes),
        // Databases write no mark.
        utf16(b"", u16::to_le_bytes),
        utf16(b"", u16::to_be_bytes),
    ] {
        assert_eq!(cells_of("t.txt", &file), expected);
    }
}

#[test]
fn stray_byte_in_utf8_damages_its_cell_alone() {
    let reason = "has a character that cannot be read";
    let invalid = Content::Invalid(Box::new(InvalidValue { text: "Caf\u{fffd}".into(), reason }));
    assert_eq!(cells_of("t.csv", b"Zo\xc3\xab,Caf\xe9\n"), [(1, 0, text("Zoë")), (1, 1, invalid.clone())]);
    // Without any valid sequence the file is Windows-1252, with a byte order mark it is UTF-8.
    assert_eq!(cells_of("t.csv", b"Zoe,Caf\xe9\n"), [(1, 0, text("Zoe")), (1, 1, text("Café"))]);
    assert_eq!(cells_of("t.csv", b"\xef\xbb\xbfZoe,Caf\xe9\n"), [(1, 0, text("Zoe")), (1, 1, invalid)]);
}

#[test]
fn csv_fields_forced_to_text_are_their_content() {
    let file = "=\"0123\",\"=\"\"A \"\"\"\"b\"\"\"\"\"\"\",=A1,\"=\"\n";
    let expected = [(1, 0, text("0123")), (1, 1, text("A \"b\"")), (1, 2, text("=A1")), (1, 3, text("="))];
    assert_eq!(cells_of("t.csv", file.as_bytes()), expected);
    for separator in [",", ";", "\t", "|"] {
        let file = format!("x{separator}=\"a{separator}\"\"b\"\"\nc\"{separator}=\"\"{separator}=\"d\"&A1\n=\"e\"");
        let expected = [
            (1, 0, text("x")),
            (1, 1, text(&format!("a{separator}\"b\"\nc"))),
            (1, 3, text("=\"d\"&A1")),
            (2, 0, text("e")),
        ];
        let found: Vec<_> =
            cells_of("t.csv", file.as_bytes()).into_iter().map(|(_, column, content)| (column, content)).collect();
        assert_eq!(found, expected.map(|(_, column, content)| (column, content)), "{separator}");
    }
}

#[test]
fn nul_character_damages_its_cell_alone() {
    let file = format!("a,b\0\n{}\n", "long enough to be a text, ".repeat(10));
    let lost = InvalidValue { text: "b\u{fffd}".into(), reason: "has a character that cannot be read" };
    assert_eq!(cells_of("t.csv", file.as_bytes())[1], (1, 1, Content::Invalid(Box::new(lost))));
    assert!(reason("t.csv", b"a\0\0\x01\0").contains("not text"));
}

#[test]
fn csv_separator_is_guessed_outside_quotes() {
    let note = "\"one, two, three, four, five, six\nand, so, on\"";
    let file = format!("a;b;{note}\n1;2;3\n");
    let expected = [(1, 0, "a"), (1, 1, "b"), (1, 2, note.trim_matches('"')), (3, 0, "1"), (3, 1, "2"), (3, 2, "3")];
    let expected: Vec<_> = expected.iter().map(|(row, column, value)| (*row, *column, text(value))).collect();
    let rows = cells_of("t.csv", file.as_bytes());
    assert_eq!(
        rows.iter().map(|(_, column, content)| (*column, content)).collect::<Vec<_>>(),
        expected.iter().map(|(_, column, content)| (*column, content)).collect::<Vec<_>>()
    );
    // Neither does one record with a long list outvote the others, nor the header a single record.
    let list = "one, two, three, four, five";
    for file in [format!("a;b;c\n1;2;{list}\n3;4;5\n"), format!("a;b;c\n1;2;{list}\n")] {
        assert_eq!(cells_of("t.csv", file.as_bytes())[5], (2, 2, text(list)), "{file}");
    }
    // An inch mark inside a field opens no quote.
    assert_eq!(cells_of("t.csv", b"5\" pipe;a,b;c\n").len(), 3);
}

#[test]
fn dos_end_of_file_is_no_row() {
    for file in [&b"a,b\r\n\x1a"[..], b"a,b\r\n\x1a\r\n", b"a,b\x1a", b"a,b\r\n\x1a\x1a\x1a", b"a,b\r\n \x1a\0\0\0\0"] {
        assert_eq!(cells_of("t.csv", file), [(1, 0, text("a")), (1, 1, text("b"))], "{file:?}");
    }
    assert_eq!(cells_of("t.csv", b"a\x1ab\n"), [(1, 0, text("a\u{1a}b"))], "elsewhere it is text");
}

#[test]
fn unsupported_files_are_named_with_the_way_out() {
    let manifest = "<manifest:manifest><manifest:file-entry manifest:full-path=\"content.xml\">\
                    <manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    let encrypted = zip_of(&[("mimetype", "x"), ("content.xml", "\u{1}\u{2}"), ("META-INF/manifest.xml", manifest)]);
    let wholly_encrypted = zip_of(&[("mimetype", "x"), ("encrypted-package", "\u{1}")]);
    for file in [encrypted, wholly_encrypted] {
        assert!(reason("t.ods", &file).contains("password"), "{}", reason("t.ods", &file));
    }
    let binary = zip_of(&[("[Content_Types].xml", "<Types/>"), ("xl/workbook.bin", "x")]);
    let binary = reason("t.xlsb", &binary);
    assert!(binary.contains(".xlsb") && binary.contains("save it as an Excel workbook (.xlsx)"), "{binary}");
    let named = zip_of(&[
        (
            "_rels/.rels",
            "<Relationships><Relationship Type=\"x/officeDocument\" Target=\"xl/Book.bin\"/></Relationships>",
        ),
        ("xl/Book.bin", "x"),
    ]);
    assert!(reason("t.xlsb", &named).contains(".xlsb"));
    let other = zip_of(&[
        ("_rels/.rels", "<Relationships><Relationship Type=\"x/officeDocument\" Target=\"a.xml\"/></Relationships>"),
        ("a.xml", "<document/>"),
    ]);
    assert!(reason("t.docx", &other).contains("without a workbook"));
    let letter = zip_of(&[("_rels/.rels", "<Relationships/>"), ("word/document.xml", "<a/>")]);
    assert!(reason("t.docx", &letter).contains("without a workbook"));
}
