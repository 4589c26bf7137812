//! Reading a workbook's cells, beside nothing but unpacking the same file, and beside calamine.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use calamine::{Data, Reader, Xlsx};
use jiff::civil::date;
use lectern::demo::workbook::write;
use spreadsheet::{Content, Limits, Sheet};
use zip::ZipArchive;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::provider::timetable;

/// The workbook that issue 4 speaks of.
pub const EVENTS: usize = 5_000;

/// The bytes of a workbook of so many events.
pub fn timetable_workbook(events: usize) -> Result<Vec<u8>> {
    Ok(write(&timetable(events), date(2026, 11, 20))?)
}

pub fn measure(runs: usize) -> Result<Vec<Figure>> {
    let bytes = timetable_workbook(EVENTS)?;
    let limits = Limits::default();
    compare(&spreadsheet::read("timetable.xlsx", &bytes, &limits)?, &calamine_cells(&bytes)?)?;
    let (mut ours, mut bare, mut calamine) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..runs * 4 {
        bare.push(seconds(|| inflate(&bytes))?);
        ours.push(seconds(|| Ok(spreadsheet::read("timetable.xlsx", &bytes, &limits)?))?);
        calamine.push(seconds(|| calamine_cells(&bytes))?);
    }
    let what = format!("cells of a workbook of {EVENTS} events ({} KB)", bytes.len() / 1024);
    Ok(vec![
        Figure::at_most(&what, &ours, ("bare inflate", &bare), 8.0),
        Figure::faster(&what, &ours, ("calamine 0.38", &calamine), 1.0),
    ])
}

fn seconds<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let started = Instant::now();
    let answer = black_box(work()?);
    let seconds = started.elapsed().as_secs_f64();
    drop(answer);
    Ok(seconds)
}

/// Unpacks every part to nowhere.
fn inflate(bytes: &[u8]) -> Result<u64> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut size = 0;
    for at in 0..archive.len() {
        size += std::io::copy(&mut archive.by_index(at)?, &mut std::io::sink())?;
    }
    Ok(size)
}

/// Cells with a value, by row and column counted from 0.
type Cells = BTreeMap<(u32, u32), Data>;

fn calamine_cells(bytes: &[u8]) -> Result<Vec<(u32, u32, Data)>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let name = book.sheet_names().first().cloned().ok_or("no sheet")?;
    let range = book.worksheet_range(&name)?;
    let (top, left) = range.start().unwrap_or_default();
    let cells = range.used_cells().map(|(row, column, data)| (top + row as u32, left + column as u32, data.clone()));
    Ok(cells.collect())
}

fn compare(ours: &Sheet, theirs: &[(u32, u32, Data)]) -> Result<()> {
    let mut theirs: Cells = theirs.iter().map(|(row, column, data)| ((*row, *column), data.clone())).collect();
    for row in &ours.rows {
        for cell in &row.cells {
            let place = (row.number - 1, cell.column);
            let same = match (&cell.content, theirs.remove(&place)) {
                (Content::Text(ours), Some(Data::String(theirs))) => **ours == *theirs,
                (Content::Number(ours), Some(Data::Float(theirs))) => *ours == theirs,
                (Content::DateTime(ours), Some(Data::DateTime(theirs))) => *ours == theirs.as_f64(),
                _ => false,
            };
            if !same {
                return Err(format!("cell {place:?} is read otherwise by calamine").into());
            }
        }
    }
    if theirs.is_empty() { Ok(()) } else { Err(format!("{} cells are read by calamine alone", theirs.len()).into()) }
}
