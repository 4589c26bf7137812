//! Looks into a zipped workbook before anything parses it: how large it gets when unpacked, and
//! whether a part carries a DOCTYPE (no spreadsheet program writes one; entity tricks need it).

use std::io::{Cursor, Read};

use memchr::memmem;
use zip::ZipArchive;

use super::workbook::{Limits, MEGABYTE, Unfit};

const DOCTYPE: &[u8] = b"<!DOCTYPE";
const CHUNK: usize = 64 * 1024;

/// Which program family wrote a zipped workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zipped {
    /// Excel's `.xlsx` (and `.xlsm`).
    Xlsx,
    /// OpenDocument's `.ods`.
    Ods,
}

/// Which kind of workbook the archive holds.
///
/// The sizes that the directory states are added up first; then every XML part is unpacked to
/// nowhere under the same limit, because a directory can lie.
///
/// # Errors
/// [`Unfit::TooLarge`] beyond a limit; [`Unfit::Unreadable`] when the archive is broken, encrypted,
/// holds no workbook, or a part has a DOCTYPE.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Zipped, Unfit> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut kind = None;
    let mut stated: u64 = 0;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(broken)?;
        if part.encrypted() {
            return Err(Unfit::unreadable("it is protected by a password"));
        }
        stated = stated.saturating_add(part.size());
        let name = name_of(&part)?.to_lowercase();
        if name.ends_with("workbook.xml") {
            kind = Some(Zipped::Xlsx);
        } else if name == "content.xml" {
            kind = kind.or(Some(Zipped::Ods));
        }
    }
    within(stated, limits.unpacked_bytes, "unpacked")?;
    let kind = kind.ok_or_else(|| Unfit::unreadable("it is a zip file but holds no workbook"))?;
    let mut unpacked = 0;
    for at in 0..archive.len() {
        unpacked = check_part(&mut archive, at, unpacked, limits)?;
    }
    Ok(kind)
}

fn check_part(archive: &mut ZipArchive<Cursor<&[u8]>>, at: usize, before: u64, limits: &Limits) -> Result<u64, Unfit> {
    let mut part = archive.by_index(at).map_err(broken)?;
    let name = name_of(&part)?;
    if !(name.ends_with(".xml") || name.ends_with(".rels")) {
        return Ok(before);
    }
    let strings = name.eq_ignore_ascii_case("xl/sharedStrings.xml");
    let doctype = memmem::Finder::new(DOCTYPE);
    let mut buffer = vec![0; CHUNK];
    // The last bytes of one chunk stay in front of the next: a DOCTYPE may straddle both.
    let mut kept = 0;
    let mut size: u64 = 0;
    loop {
        let read = part.read(&mut buffer[kept..]).map_err(broken)?;
        if read == 0 {
            return Ok(before + size);
        }
        if size == 0 && matches!(buffer.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff])) {
            return Err(Unfit::unreadable(format!("its part {name} is not UTF-8")));
        }
        size += read as u64;
        within(before + size, limits.unpacked_bytes, "unpacked")?;
        if strings {
            within(size, limits.shared_string_bytes, "of shared strings")?;
        }
        let filled = kept + read;
        if doctype.find(&buffer[..filled]).is_some() {
            return Err(Unfit::unreadable(format!(
                "its part {name} has a DOCTYPE, which no spreadsheet program writes"
            )));
        }
        kept = filled.min(DOCTYPE.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

fn within(size: u64, limit: u64, what: &str) -> Result<(), Unfit> {
    if size <= limit {
        return Ok(());
    }
    Err(Unfit::TooLarge(format!("it is over {} MB {what}; split it into several workbooks", limit / MEGABYTE)))
}

fn name_of<R: Read + ?Sized>(part: &zip::read::ZipFile<'_, R>) -> Result<String, Unfit> {
    part.name().map(|name| name.into_owned()).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Unfit {
    Unfit::unreadable(format!("it is damaged ({error})"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .and_then(|()| Ok(writer.write_all(content)?))
                .unwrap_or_default();
        }
        writer.finish().map(Cursor::into_inner).unwrap_or_default()
    }

    #[test]
    fn workbooks_are_told_apart() {
        let limits = Limits::default();
        for (name, kind) in [("xl/workbook.xml", Zipped::Xlsx), ("content.xml", Zipped::Ods)] {
            assert_eq!(inspect(&zipped(&[(name, b"<a/>")]), &limits), Ok(kind));
        }
        let other = inspect(&zipped(&[("readme.txt", b"hello")]), &limits);
        assert!(matches!(other, Err(Unfit::Unreadable(_))));
        assert!(matches!(inspect(b"PK\x03\x04nonsense", &limits), Err(Unfit::Unreadable(_))));
    }

    #[test]
    fn a_doctype_anywhere_is_refused() {
        for before in [0, 1, CHUNK - 5, CHUNK, 3 * CHUNK + 7] {
            let mut part = vec![b' '; before];
            part.extend_from_slice(b"<!DOCTYPE x [<!ENTITY a \"b\">]>");
            let found = inspect(&zipped(&[("xl/workbook.xml", &part)]), &Limits::default());
            assert!(matches!(found, Err(Unfit::Unreadable(_))), "{before}");
        }
    }

    #[test]
    fn what_unpacks_too_far_is_refused() {
        let limits = Limits { unpacked_bytes: 1_000_000, shared_string_bytes: 1000, ..Limits::default() };
        let big = vec![b'a'; 2_000_000];
        let bomb = zipped(&[("xl/workbook.xml", b"<a/>"), ("xl/worksheets/sheet1.xml", &big)]);
        assert!(matches!(inspect(&bomb, &limits), Err(Unfit::TooLarge(_))));
        let strings = zipped(&[("xl/workbook.xml", b"<a/>"), ("xl/sharedStrings.xml", &big[..5000])]);
        assert!(matches!(inspect(&strings, &limits), Err(Unfit::TooLarge(_))));
    }
}
