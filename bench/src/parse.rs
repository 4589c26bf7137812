//! Reading the cells of a workbook, compared with only unpacking the same file, and with calamine.

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

/// Events of the workbook that is read.
pub const EVENTS: usize = 5_000;

/// Returns the bytes of a workbook with a number of events.
pub fn timetable_workbook(events: usize) -> Result<Vec<u8>> {
    Ok(write(&timetable(events), date(2026, 11, 20))?)
}

pub fn measure(runs: usize) -> Result<Vec<Figure>> {
    let bytes = timetable_workbook(EVENTS)?;
    let limits = Limits::default();
    compare(&spreadsheet::read("timetable.xlsx", &bytes, &limits)?, &calamine_cells(&bytes)?)?;
    let (mut lectern, mut inflated, mut calamine) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..runs * 4 {
        inflated.push(seconds(|| inflate(&bytes))?);
        lectern.push(seconds(|| Ok(spreadsheet::read("timetable.xlsx", &bytes, &limits)?))?);
        calamine.push(seconds(|| calamine_cells(&bytes))?);
    }
    let what = format!("cells of a workbook of {EVENTS} events ({} KB)", bytes.len() / 1024);
    Ok(vec![
        Figure::at_most(&what, &lectern, ("bare inflate", &inflated), 8.0),
        Figure::faster(&what, &lectern, ("calamine 0.38", &calamine), 1.0),
    ])
}

fn seconds<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let started = Instant::now();
    let result = black_box(work()?);
    let seconds = started.elapsed().as_secs_f64();
    drop(result);
    Ok(seconds)
}

/// Unpacks every part and discards it; returns the unpacked size in bytes.
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

/// Checks that both readers return the same cells.
fn compare(sheet: &Sheet, calamine: &[(u32, u32, Data)]) -> Result<()> {
    let mut expected: Cells = calamine.iter().map(|(row, column, data)| ((*row, *column), data.clone())).collect();
    for row in &sheet.rows {
        for cell in &row.cells {
            let place = (row.number - 1, cell.column);
            let is_equal = match (&cell.content, expected.remove(&place)) {
                (Content::Text(value), Some(Data::String(other))) => **value == *other,
                (Content::Number(value), Some(Data::Float(other))) => *value == other,
                (Content::DateTime(value), Some(Data::DateTime(other))) => *value == other.as_f64(),
                _ => false,
            };
            if !is_equal {
                return Err(format!("calamine returns another value for cell {place:?}").into());
            }
        }
    }
    if expected.is_empty() { Ok(()) } else { Err(format!("only calamine returns {} cells", expected.len()).into()) }
}
