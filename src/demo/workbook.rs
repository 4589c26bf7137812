//! Writes a timetable as a workbook in the layout that providers use: a header, two rows of hints and one row per session.
//! The first session of an event is in the row of the event.

use jiff::ToSpan;
use jiff::civil::{Date, Time, time};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use spreadsheet::escape_formula;

use super::timetable::{Day, Planned};
use crate::timetable_import::layout::{Field, LAYOUT};

/// Returns the column of a field, counted from 0. The layout has a column without a header before the last one.
fn column(field: Field) -> u16 {
    let at = field as u16;
    if field == Field::RegistrationDeadline { at + 1 } else { at }
}

/// Returns the bytes of a workbook. `today` becomes its creation date, so that equal timetables give equal files.
///
/// # Errors
/// When the workbook cannot be created.
pub fn write(events: &[Planned], today: Date) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let created =
        ExcelDateTime::from_ymd(today.year().unsigned_abs(), today.month().unsigned_abs(), today.day().unsigned_abs())?;
    book.set_properties(&DocProperties::new().set_title("Timetable").set_creation_datetime(&created));
    let sheet = book.add_worksheet().set_name("Import")?;
    for column_of in &LAYOUT {
        let at = column(column_of.field);
        sheet.write_string_with_format(0, at, column_of.header, &Format::new().set_bold())?;
        sheet.set_column_width(at, 16)?;
        for (row, hint) in [(1, column_of.example), (2, column_of.hint)] {
            if !hint.is_empty() {
                sheet.write_string(row, at, hint)?;
            }
        }
    }
    let mut rows = SheetRows::new(sheet, 3);
    for event in events {
        rows.event(event)?;
    }
    book.save_to_buffer()
}

/// Writes events row by row.
struct SheetRows<'a> {
    sheet: &'a mut Worksheet,
    row: u32,
    date: Format,
    time: Format,
}

impl<'a> SheetRows<'a> {
    fn new(sheet: &'a mut Worksheet, row: u32) -> Self {
        let format = |code| Format::new().set_num_format(code);
        Self { sheet, row, date: format("dd/mm/yyyy"), time: format("hh:mm") }
    }

    fn event(&mut self, event: &Planned) -> Result<(), XlsxError> {
        self.text(Field::Template, &event.template)?;
        self.text(Field::EventTitle, &event.title)?;
        self.text(Field::Location, &event.location)?;
        self.text(Field::TimeZone, "Europe - London")?;
        self.window(event)?;
        self.text(Field::Sitting, &event.sitting)?;
        if event.is_self_paced() {
            self.text(Field::LearningMode, "Self Paced (LMS)")?;
            let code = event.template.trim_start_matches("OC_");
            self.text(Field::OcrMoodleCode, &format!("{code} OC"))?;
            self.row += 1;
            return Ok(());
        }
        if let Some(places) = event.places {
            self.sheet.write_number(self.row, column(Field::MaxPlaces), places)?;
        }
        self.text(Field::Instructor, &event.instructors.join(" / "))?;
        self.text(Field::Administrator, event.administrator.as_deref().unwrap_or_default())?;
        self.text(Field::EventUrl, &format!("https://rooms.example.org/{}/", event.title.to_lowercase()))?;
        self.date(Field::FinalisationDate, event.opens.saturating_sub(2.days()))?;
        self.text(Field::WebSale, "Y")?;
        self.text(Field::Cancelled, "N")?;
        for (session, number) in event.sessions.iter().zip(1..) {
            self.session(event, session, number)?;
        }
        Ok(())
    }

    /// Writes the time on the learning platform, which opens at 16:00 and closes at midnight.
    fn window(&mut self, event: &Planned) -> Result<(), XlsxError> {
        self.date(Field::LmsStartDate, event.opens)?;
        self.time(Field::LmsStartTime, time(16, 0, 0, 0))?;
        self.date(Field::LmsEndDate, event.closes)?;
        self.time(Field::LmsEndTime, time(0, 0, 0, 0))
    }

    fn session(&mut self, event: &Planned, session: &Day, number: u32) -> Result<(), XlsxError> {
        let title = format!("{}-{number}", event.title);
        self.text(Field::SessionTitle, &title)?;
        self.text(Field::LearningMode, "Blended")?;
        self.text(Field::Location, &event.location)?;
        self.text(Field::Venue, event.venue.as_deref().unwrap_or("To be confirmed"))?;
        self.text(Field::TimeZone, "Europe - London")?;
        self.date(Field::StartDate, session.date)?;
        self.text(Field::StartTime, &session.starts.strftime("%H:%M").to_string())?;
        self.date(Field::EndDate, session.date)?;
        self.text(Field::EndTime, &session.ends.strftime("%H:%M").to_string())?;
        self.text(Field::SessionInstructor, &session.instructor)?;
        self.sheet.write_number(self.row, column(Field::Day), number)?;
        if event.venue.as_ref() == Some(&event.location) {
            self.text(Field::SessionUrl, &format!("https://rooms.example.org/{}/", title.to_lowercase()))?;
        }
        self.row += 1;
        Ok(())
    }

    fn text(&mut self, field: Field, text: &str) -> Result<(), XlsxError> {
        if !text.is_empty() {
            self.sheet.write_string(self.row, column(field), escape_formula(text).as_ref())?;
        }
        Ok(())
    }

    fn date(&mut self, field: Field, day: Date) -> Result<(), XlsxError> {
        let (month, date) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        let day = ExcelDateTime::from_ymd(day.year().unsigned_abs(), month, date)?;
        self.sheet.write_datetime_with_format(self.row, column(field), &day, &self.date)?;
        Ok(())
    }

    fn time(&mut self, field: Field, at: Time) -> Result<(), XlsxError> {
        let at = ExcelDateTime::from_hms(at.hour().unsigned_abs().into(), at.minute().unsigned_abs(), 0.0)?;
        self.sheet.write_datetime_with_format(self.row, column(field), &at, &self.time)?;
        Ok(())
    }
}
