//! Minimal compound files with one stream, and records of an `.xls`.

/// Bytes of a sector, and of the header.
const SECTOR: usize = 4096;

const END: u32 = 0xffff_fffe;

/// Returns a compound file of this stream; with `round` the chain of sectors is endless.
pub fn compound(name: &str, stream: &[u8], round: bool) -> Vec<u8> {
    let sectors = stream.len().div_ceil(SECTOR).max(1);
    let tables = (sectors + 1).div_ceil(SECTOR / 4 - 1);
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.resize(SECTOR, 0xff);
    for (at, number) in [(24, 0x3e_u16), (26, 4), (28, 0xfffe), (30, 12), (32, 6)] {
        bytes[at..at + 2].copy_from_slice(&number.to_le_bytes());
    }
    for (at, number) in [(44, tables as u32), (48, tables as u32), (60, END), (68, END)] {
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    for table in 0..tables {
        bytes[76 + 4 * table..80 + 4 * table].copy_from_slice(&(table as u32).to_le_bytes());
    }
    let first = tables as u32 + 1;
    let last = if round { first } else { END };
    let chain = (1..sectors as u32).map(|at| first + at).chain([last]);
    let mut next: Vec<u32> = vec![0xffff_fffd; tables];
    next.push(END);
    next.extend(chain);
    next.resize(tables * SECTOR / 4, 0xffff_ffff);
    bytes.extend(next.iter().flat_map(|next| next.to_le_bytes()));
    bytes.extend(entry("Root Entry", 5, END, 0));
    // An endless stream states more bytes than the file has.
    bytes.extend(entry(name, 2, first, if round { u32::MAX } else { (sectors * SECTOR) as u32 }));
    bytes.resize((tables + 2) * SECTOR, 0);
    bytes.extend_from_slice(stream);
    bytes.resize((tables + 2 + sectors) * SECTOR, 0);
    bytes
}

fn entry(name: &str, kind: u8, start: u32, size: u32) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut entry = units.clone();
    entry.resize(128, 0);
    entry[64..66].copy_from_slice(&(units.len() as u16 + 2).to_le_bytes());
    entry[66] = kind;
    entry[68..80].fill(0xff);
    entry[116..120].copy_from_slice(&start.to_le_bytes());
    entry[120..124].copy_from_slice(&size.to_le_bytes());
    entry
}

/// Returns a record of this type.
pub fn record(kind: u16, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&kind.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), &body].concat()
}

/// Returns an `.xls` with records before its only sheet and records in it.
pub fn xls(before: &[u8], sheet: &[u8]) -> Vec<u8> {
    let begin = |what: u16| record(0x0809, &[&0x0600_u16.to_le_bytes(), &what.to_le_bytes(), &[0; 12]]);
    let end = record(0x000a, &[]);
    let globals = [&begin(5), before].concat();
    let named = |at: usize| record(0x0085, &[&(at as u32).to_le_bytes(), &[0, 0, 1, 0], b"S"]);
    let at = globals.len() + named(0).len() + end.len();
    let stream = [&globals, &named(at), &end, &begin(16), sheet, &end].concat();
    compound("Workbook", &stream, false)
}
