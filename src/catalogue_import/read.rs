//! Reads a catalogue workbook: rows of known sheets, each value with its cell.

use std::sync::Arc;

use serde_json::Value;
use spreadsheet::{Content, Limits, ReadError, Row, Sheet};

use super::sheets::{CellKind, EXAMPLE, SHEETS, SheetColumn, SheetKind, SheetLayout};
use crate::names::{fold, nearest};
use crate::workbook::cells::{self, squeezed};
use crate::workbook::problems::{Code, ImportProblem, Issue};
use crate::workbook::report::report_columns;
use crate::workbook::values::{self, DateOrder};

/// Sheets that an empty workbook or a report has in addition.
const OTHER_SHEETS: [&str; 3] = ["Instructions", "Problems", "Lists"];

/// A value with its column.
#[derive(Clone, Debug)]
pub struct GivenValue {
    pub column: &'static SheetColumn,
    pub value: Value,
}

/// A row of a sheet.
#[derive(Clone, Debug)]
pub struct GivenRow {
    pub layout: &'static SheetLayout,
    /// The name of the sheet in the file.
    pub sheet: Arc<str>,
    /// The number that Excel shows.
    pub number: u32,
    /// The values that could be read.
    pub values: Vec<GivenValue>,
    /// The fields whose cells have problems.
    pub broken: Vec<&'static str>,
    /// The columns of the sheet, by field.
    columns: Arc<[(&'static str, u32)]>,
}

impl GivenRow {
    /// Returns a problem at the cell of a field, or of the row.
    pub fn problem(&self, field: Option<&str>, issue: Issue) -> ImportProblem {
        let known = field.and_then(|field| self.columns.iter().find(|(name, _)| *name == field));
        let at = known.map(|(_, column)| (self.number, *column));
        ImportProblem::at(Some(&self.sheet), Some(self.number), at, issue)
    }

    /// Returns the text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.values.iter().find(|given| given.column.field == field).and_then(|given| given.value.as_str())
    }

    /// Returns the texts by which people know the row: its own name, else the names of all records that it links.
    pub fn title(&self) -> String {
        if self.layout.kind == SheetKind::Instructors {
            return [self.text("first_name"), self.text("last_name")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ");
        }
        let texts = self.values.iter().filter(|given| given.column.is_required || given.column.field == "price_type");
        let texts: Vec<&str> = texts.filter_map(|given| given.value.as_str()).collect();
        match self.layout.columns.first().map(|column| column.kind) {
            Some(CellKind::Text | CellKind::SessionCode) => {
                texts.first().map_or_else(String::new, |first| (*first).to_owned())
            }
            _ => texts.join(" / "),
        }
    }

    /// Returns the name of a column for messages.
    pub fn header_of(&self, field: &str) -> String {
        let known = self.layout.columns.iter().find(|column| column.field == field);
        known.map_or_else(|| field.to_owned(), |column| column.header.to_owned())
    }
}

/// A sheet as it was read.
#[derive(Debug)]
pub struct CatalogueSheet {
    pub layout: &'static SheetLayout,
    pub sheet: Sheet,
    /// The row number of the header.
    pub header_row: u32,
    /// The known columns: index from 0.
    pub columns: Vec<(&'static SheetColumn, u32)>,
    /// The columns that a report added.
    pub of_report: Vec<u32>,
}

/// The rows of a workbook.
#[derive(Debug, Default)]
pub struct WorkbookRows {
    /// All rows, in the order of their import.
    pub rows: Vec<GivenRow>,
    /// Whether there is a sheet of a catalogue at all.
    is_catalogue: bool,
    /// Number of example rows, which are not imported.
    pub examples: usize,
    /// Problems of cells, of sheets and of the file.
    pub problems: Vec<ImportProblem>,
    /// The sheets in the order of their import.
    pub sheets: Vec<CatalogueSheet>,
}

/// Reads all sheets of a workbook.
///
/// # Errors
/// [`ReadError`] when the file cannot be read at all.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<WorkbookRows, ReadError> {
    let read = spreadsheet::read_sheets(bytes, limits, &|name| layout_of(name).is_some())?;
    let mut found = WorkbookRows::default();
    let place = |sheet: &Sheet| SHEETS.iter().position(|layout| is_called(layout, &sheet.name)).unwrap_or_default();
    let mut sheets = read.sheets;
    found.is_catalogue = !sheets.is_empty();
    sheets.sort_by_key(place);
    for sheet in sheets {
        let Some(layout) = layout_of(&sheet.name) else { continue };
        if found.sheets.iter().any(|earlier| earlier.layout.kind == layout.kind) {
            let message = format!("a second sheet \"{}\" is not read: move its rows to the first one", layout.name);
            found.problems.push(of_sheet(&sheet.name, Issue::new(Code::UnusedSheet, message).as_error()));
        } else {
            read_sheet(layout, sheet, &mut found);
        }
    }
    if found.rows.len() + found.examples > limits.data_rows {
        return Err(ReadError::TooLarge(format!("it has over {} rows", limits.data_rows)));
    }
    if !found.is_catalogue {
        let names: Vec<&str> = SHEETS.iter().map(|layout| layout.name).collect();
        let message = format!("it has none of the sheets {}; `lectern import` reads timetables", names.join(", "));
        found.problems.insert(0, ImportProblem::of_file(Code::MissingHeader, message));
    }
    found.problems.extend(read.others.iter().filter_map(|name| unused_sheet(name)));
    Ok(found)
}

fn is_called(layout: &SheetLayout, name: &str) -> bool {
    squeezed(layout.name) == squeezed(name)
}

fn layout_of(name: &str) -> Option<&'static SheetLayout> {
    SHEETS.iter().find(|layout| is_called(layout, name))
}

fn of_sheet(name: &str, issue: Issue) -> ImportProblem {
    ImportProblem::at(Some(name), None, None, issue)
}

/// Warns of a sheet that is not read. A misspelt name is an error: its rows would be missing.
fn unused_sheet(name: &str) -> Option<ImportProblem> {
    if OTHER_SHEETS.iter().any(|other| squeezed(other) == squeezed(name)) {
        return None;
    }
    let similar = nearest(name, SHEETS.iter().map(|layout| layout.name));
    let issue = match similar.is_empty() {
        true => Issue::new(Code::UnusedSheet, "a sheet of this name is not read"),
        false => Issue::new(Code::UnusedSheet, "a sheet of this name is not read; rename it").as_error(),
    };
    Some(of_sheet(name, issue.with_suggestions(similar)))
}

fn read_sheet(layout: &'static SheetLayout, sheet: Sheet, found: &mut WorkbookRows) {
    let at = cells::header_index(&sheet.rows, |text| column_of(layout, text).is_some());
    let Some(header) = sheet.rows.get(at) else { return };
    let Some(header) = read_header(layout, &sheet, header, &mut found.problems) else { return };
    let (columns, of_report) = header;
    let (header_row, data) = (sheet.rows[at].number, &sheet.rows[at + 1..]);
    let is_known = |column| columns.iter().any(|(_, at)| *at == column);
    found.problems.extend(cells::invisible_characters(&sheet, data, is_known));
    let dates: Vec<u32> =
        columns.iter().filter(|(column, _)| column.kind == CellKind::Date).map(|(_, at)| *at).collect();
    let reader = SheetReader {
        layout,
        sheet: &sheet,
        name: sheet.name.as_str().into(),
        columns: &columns,
        places: columns.iter().map(|(column, at)| (column.field, *at)).collect(),
        order: cells::date_order(data, &dates),
    };
    data.iter().for_each(|row| reader.read(row, found));
    found.sheets.push(CatalogueSheet { layout, header_row, columns, of_report, sheet });
}

/// Reads the rows of a sheet.
struct SheetReader<'a> {
    layout: &'static SheetLayout,
    sheet: &'a Sheet,
    name: Arc<str>,
    columns: &'a [(&'static SheetColumn, u32)],
    places: Arc<[(&'static str, u32)]>,
    order: DateOrder,
}

impl SheetReader<'_> {
    fn read(&self, row: &Row, found: &mut WorkbookRows) {
        let filled = || {
            let cells = self.columns.iter().filter_map(|(column, at)| Some((*column, row.content(*at)?)));
            cells.filter(|(_, content)| !values::is_invisible(content))
        };
        let text = |content: &Content| values::text(content).unwrap_or_default();
        let repeats_header =
            || filled().count() > 1 && filled().all(|(column, content)| is_header(column, &text(content)));
        if filled().next().is_none() || repeats_header() {
            return;
        }
        if filled().any(|(_, content)| text(content).starts_with(EXAMPLE)) {
            found.examples += 1;
            return;
        }
        let mut given = GivenRow {
            layout: self.layout,
            sheet: self.name.clone(),
            number: row.number,
            values: Vec::new(),
            broken: Vec::new(),
            columns: self.places.clone(),
        };
        for (column, at) in self.columns {
            let content = row.content(*at).filter(|content| !values::is_invisible(content));
            match self.parse(column, content) {
                Ok(Some(value)) => given.values.push(GivenValue { column, value }),
                Ok(None) => {}
                Err(issue) => {
                    found.problems.push(given.problem(Some(column.field), issue));
                    given.broken.push(column.field);
                }
            }
        }
        found.rows.push(given);
    }

    fn parse(&self, column: &SheetColumn, content: Option<&Content>) -> Result<Option<Value>, Issue> {
        let (header, since_1904) = (column.header, self.sheet.since_1904);
        let content = match content {
            Some(content) => cells::checked(content, header)?,
            None if column.is_required => return Err(cells::missing(header)),
            None => return Ok(None),
        };
        let text = values::display(content, since_1904).unwrap_or_default();
        let invalid = |message: String| Issue::new(Code::InvalidValue, message);
        let value = match column.kind {
            CellKind::SessionCode | CellKind::Name(SheetKind::ExamSessions) => {
                values::year_and_month(content, since_1904).unwrap_or(text).into()
            }
            CellKind::Text | CellKind::Name(_) => text.into(),
            CellKind::Names(_) => cells::names(&text, header)?.into(),
            CellKind::Flag => cells::flag(content, header, since_1904)?.into(),
            CellKind::Number => match values::whole_number(content) {
                Some(number) => number.into(),
                None => return Err(invalid(format!("\"{text}\" in \"{header}\" is not a whole number"))),
            },
            CellKind::Amount => match values::decimal(content) {
                Some(amount) => amount.into(),
                None => {
                    let message = format!("\"{text}\" in \"{header}\" is not an amount; write a number such as 610.00");
                    return Err(invalid(message));
                }
            },
            CellKind::Date => values::date(content, since_1904, self.order)?.to_string().into(),
            CellKind::Choice(words) => choice(words, &text, header)?.into(),
            CellKind::Words(words) => {
                let given = cells::names(&text, header)?;
                let words: Result<Vec<&str>, Issue> = given.iter().map(|word| choice(words, word, header)).collect();
                words?.into()
            }
        };
        Ok(Some(value))
    }
}

fn is_header(column: &SheetColumn, text: &str) -> bool {
    let text = squeezed(text);
    [column.header, column.field].iter().chain(column.aliases).any(|header| squeezed(header) == text)
}

fn column_of(layout: &'static SheetLayout, header: &str) -> Option<&'static SheetColumn> {
    let is_id = |column: &&SheetColumn| squeezed(&format!("{} id", column.header)) == squeezed(header);
    let own = |column: &&SheetColumn| squeezed(column.header) == squeezed(header);
    let columns = || layout.columns.iter();
    columns().find(own).or_else(|| columns().find(|column| is_header(column, header) || is_id(column)))
}

/// The known columns with their index from 0, and the columns of a report.
type SheetHeader = (Vec<(&'static SheetColumn, u32)>, Vec<u32>);

/// Returns the columns of a sheet by its header row. None: it lacks required ones.
fn read_header(
    layout: &'static SheetLayout,
    sheet: &Sheet,
    header: &Row,
    problems: &mut Vec<ImportProblem>,
) -> Option<SheetHeader> {
    let mut columns: Vec<(&'static SheetColumn, u32)> = Vec::new();
    let mut unknown = Vec::new();
    for cell in &header.cells {
        let Some(text) = values::text(&cell.content) else { continue };
        match column_of(layout, &text) {
            Some(column) if columns.iter().any(|(other, _)| other.field == column.field) => {
                let message = format!("a second column \"{text}\" is not read; delete one of them");
                let issue = Issue::new(Code::InvalidValue, message);
                let at = Some((header.number, cell.column));
                problems.push(ImportProblem::at(Some(&sheet.name), Some(header.number), at, issue));
            }
            Some(column) => columns.push((column, cell.column)),
            None => unknown.push((cell.column, text)),
        }
    }
    let of_report = report_columns(&unknown);
    unknown.retain(|(column, _)| !of_report.contains(column));
    problems.extend(cells::unknown_columns(sheet, header.number, &unknown, "not read"));
    let missing = layout.columns.iter().filter(|column| column.is_required);
    let missing: Vec<_> =
        missing.filter(|column| columns.iter().all(|(known, _)| known.field != column.field)).collect();
    for column in &missing {
        let similar = nearest(column.header, unknown.iter().map(|(_, text)| text.as_str()));
        let message = format!("the column \"{}\" is missing; the rows of this sheet are not imported", column.header);
        let issue = Issue::new(Code::MissingHeader, message).with_suggestions(similar);
        problems.push(ImportProblem::at(Some(&sheet.name), Some(header.number), None, issue));
    }
    missing.is_empty().then_some((columns, of_report))
}

fn choice(words: &[&'static str], text: &str, header: &str) -> Result<&'static str, Issue> {
    let found = words.iter().find(|word| fold(word) == fold(text)).copied();
    found.ok_or_else(|| {
        let message = format!("\"{text}\" in \"{header}\" is not one of {}", words.join(", "));
        Issue::new(Code::InvalidValue, message).with_suggestions(nearest(text, words.iter().copied()))
    })
}
