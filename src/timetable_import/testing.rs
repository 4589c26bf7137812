//! Sample timetables for tests, and states in which all records that they name exist and are linked.

use std::collections::{BTreeMap, HashSet};
use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use jiff::civil::{date, time};
use jiff::tz::TimeZone;
use spreadsheet::Limits;
use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::config::{Config, Labels};
use crate::names::fold;
use crate::tutorials::KnownEvent;

use super::blocks::{self, ParseOptions, Timetable, VenueCell};
use super::layout::Field as F;
use super::plan::inputs::{
    ContactRecord, Definition, Link, LinkedProduct, LinkedRecord, LinkedVenue, LocalState, NamedRecord,
};
use super::plan::remote_state::RemoteState;
use super::plan::{BlockOutcome, ImportPlan};
use super::sheet::write;
use crate::timetable_import::options::ImportOptions;
use crate::timetable_import::plan::planner::{PlannerOptions, plan};
use crate::timetable_import::sheet::write::{CellValue, RowValues};
use crate::workbook::problems::Code;

/// Returns the options of the default settings.
pub fn parse_options() -> ParseOptions {
    let letters = [("A", "-04"), ("S", "-09")].map(|(letter, suffix)| (letter.to_owned(), suffix.to_owned()));
    ParseOptions {
        zone: TimeZone::get("Europe/London").expect("a zone"),
        sittings: BTreeMap::from(letters),
        max_rows: 100_000,
    }
}

/// Returns the labels of the default settings.
pub fn labels() -> Labels {
    Config::load(None, |_| Some("/missing".into()).filter(|_: &String| false), &[("data_dir", "/missing".into())])
        .expect("the defaults are valid")
        .administrate
        .labels
}

/// Returns the row of a blended event, with its first session on 13 January 2026, 09:30 to 17:00.
pub fn event(title: &str) -> RowValues {
    vec![
        (F::Template, "CB1_f2f_3".into()),
        (F::EventTitle, title.into()),
        (F::SessionTitle, format!("{title}-1").into()),
        (F::LearningMode, "Blended".into()),
        (F::Location, "London".into()),
        (F::Venue, "King's Cross".into()),
        (F::TimeZone, "Europe - London".into()),
        (F::StartDate, date(2026, 1, 13).into()),
        (F::StartTime, "09:30".into()),
        (F::EndDate, date(2026, 1, 13).into()),
        (F::EndTime, "17:00".into()),
        (F::LmsStartDate, date(2025, 10, 22).into()),
        (F::LmsStartTime, time(16, 0, 0, 0).into()),
        (F::LmsEndDate, date(2026, 4, 10).into()),
        (F::LmsEndTime, time(0, 0, 0, 0).into()),
        (F::MaxPlaces, 12.into()),
        (F::Instructor, "Ada Marlow".into()),
        (F::SessionInstructor, "Ada Marlow".into()),
        (F::Day, 1.into()),
        (F::FinalisationDate, date(2025, 10, 20).into()),
        (F::WebSale, "N".into()),
        (F::Sitting, "2026A".into()),
        (F::Cancelled, "N".into()),
    ]
}

/// Returns the row of another session of that event, `day` weeks later.
pub fn session(title: &str, day: i32) -> RowValues {
    let on = date(2026, 1, 13).checked_add(jiff::Span::new().weeks(i64::from(day))).expect("a date");
    vec![
        (F::SessionTitle, format!("{title}-{day}").into()),
        (F::LearningMode, "Blended".into()),
        (F::Location, "London".into()),
        (F::Venue, "King's Cross".into()),
        (F::TimeZone, "Europe - London".into()),
        (F::StartDate, on.into()),
        (F::StartTime, "09:30".into()),
        (F::EndDate, on.into()),
        (F::EndTime, "17:00".into()),
        (F::LmsStartTime, time(16, 0, 0, 0).into()),
        (F::LmsEndTime, time(0, 0, 0, 0).into()),
        (F::SessionInstructor, "Ada Marlow".into()),
        (F::Day, day.into()),
    ]
}

/// Returns the row of a self-paced event.
pub fn self_paced(title: &str) -> RowValues {
    vec![
        (F::Template, "OC_CB1".into()),
        (F::EventTitle, title.into()),
        (F::LearningMode, "Self Paced (LMS)".into()),
        (F::Location, "Online".into()),
        (F::LmsStartDate, date(2025, 9, 1).into()),
        (F::LmsStartTime, time(0, 0, 0, 0).into()),
        (F::LmsEndDate, date(2026, 4, 30).into()),
        (F::LmsEndTime, time(0, 0, 0, 0).into()),
        (F::Sitting, "2026A".into()),
        (F::OcrMoodleCode, "CB1 OC".into()),
    ]
}

/// Returns the row with some fields changed; `None` blanks a field.
pub fn with<const N: usize>(mut line: RowValues, changed: [(F, Option<CellValue>); N]) -> RowValues {
    for (field, entry) in changed {
        line.retain(|(known, _)| *known != field);
        line.extend(entry.map(|entry| (field, entry)));
    }
    line
}

/// Returns a zipped workbook with a text in one part replaced.
pub fn with_part(zipped: &[u8], part: &str, old: &str, new: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zipped)).expect("a zip file");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("a part");
        let name = entry.name().expect("a name").into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("readable");
        if name == part {
            let text = String::from_utf8(content).expect("text");
            assert!(text.contains(old), "{part} has no {old}");
            content = text.replace(old, new).into_bytes();
        }
        writer.start_file(name, SimpleFileOptions::default()).expect("a new part");
        writer.write_all(&content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Writes a workbook and parses it.
pub fn timetable(lines: &[RowValues]) -> Timetable {
    let bytes = write::timetable(lines).expect("a workbook");
    let sheet = spreadsheet::read("test.xlsx", &bytes, &Limits::default()).expect("readable");
    blocks::read(&sheet, &parse_options()).expect("not too large")
}

/// Returns states in which all records of a timetable exist, linked, and all instructors are approved.
pub fn state_of(timetable: &Timetable) -> (LocalState, RemoteState) {
    let mut known = TestReferences::default();
    for block in &timetable.blocks {
        let event = &block.event;
        let template = event.template.as_deref().map(|code| known.template(code));
        let place = event.location.clone().unwrap_or_default();
        known.place(&place, &event.venue);
        known.people(&event.instructors);
        for (_, session) in &block.sessions {
            known.people(&session.instructors);
            known.place(session.location.as_deref().unwrap_or(&place), &session.venue);
        }
        for name in &event.administrators {
            known
                .remote
                .administrators
                .push(ContactRecord { external_id: format!("admin {name}"), name: name.clone() });
        }
        if let (Some(code), Some(sitting)) = (template, &event.sitting) {
            known.product(&code, &sitting.mapped, &place);
        }
    }
    let instructors: HashSet<String> = known.local.instructors.iter().filter_map(|i| i.external_id.clone()).collect();
    for template in &known.local.templates {
        known.remote.approved.insert(template.external_id.clone().unwrap_or_default(), instructors.clone());
    }
    let labels = labels();
    for label in
        [&labels.sitting, &labels.finalisation_date, &labels.event_url, &labels.web_sale, &labels.ocr_moodle_code]
    {
        known.field("event", label, format!("key {label}"));
    }
    for label in [&labels.day, &labels.session_url] {
        known.field("session", label, format!("session key {label}"));
    }
    (known.local, known.remote)
}

#[derive(Default)]
struct TestReferences {
    local: LocalState,
    remote: RemoteState,
}

fn find_or_add(records: &mut Vec<LinkedRecord>, name: &str) -> i64 {
    if let Some(known) = records.iter().find(|known| fold(&known.record.name) == fold(name)) {
        return known.record.id;
    }
    let id = records.len() as i64 + 1;
    let record = NamedRecord { id, name: name.to_owned() };
    records.push(LinkedRecord {
        record,
        is_active: true,
        external_id: Some(format!("remote {name}")),
        is_linked_manually: false,
    });
    id
}

impl TestReferences {
    fn field(&mut self, entity: &str, label: &str, key: String) {
        let definition = Definition { key, label: label.to_owned(), ..Definition::default() };
        self.local.fields.insert((entity.to_owned(), fold(label)), definition);
    }

    fn template(&mut self, code: &str) -> String {
        find_or_add(&mut self.local.templates, code);
        code.to_owned()
    }

    fn people(&mut self, names: &[String]) {
        for name in names {
            find_or_add(&mut self.local.instructors, name);
        }
    }

    fn place(&mut self, location: &str, venue: &VenueCell) {
        let location = find_or_add(&mut self.local.locations, location);
        let VenueCell::Named(name) = venue else { return };
        let known = |known: &LinkedVenue| known.location_id == Some(location) && known.linked.record.name == *name;
        if !self.local.venues.iter().any(known) {
            let record = NamedRecord { id: self.local.venues.len() as i64 + 1, name: name.clone() };
            let linked = LinkedRecord {
                record,
                is_active: true,
                external_id: Some(format!("remote {name}")),
                is_linked_manually: false,
            };
            self.local.venues.push(LinkedVenue { linked, location_id: Some(location) });
        }
    }

    fn product(&mut self, code: &str, session_code: &str, location: &str) {
        let name = format!("{code}/{location}/{session_code}");
        if !self.local.products.iter().any(|known| known.product.name == name) {
            self.local.products.push(LinkedProduct {
                product: NamedRecord { id: self.local.products.len() as i64 + 1, name },
                is_active: true,
                session_code: session_code.to_owned(),
                variation_code: code.to_owned(),
                location_name: location.to_owned(),
                subject_id: 1,
                subject_code: code.split('_').next().unwrap_or_default().to_owned(),
                is_tutorial: true,
                product_variation_id: self.local.products.len() as i64 + 1,
            });
        }
    }
}

/// Returns code and cell of each problem, in order.
pub fn problem_cells(plan: &ImportPlan) -> Vec<(Code, &str)> {
    plan.problems.iter().map(|problem| (problem.code, problem.cell.as_deref().unwrap_or_default())).collect()
}

pub fn planner_options(labels: &Labels) -> PlannerOptions<'_> {
    static SITTINGS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| parse_options().sittings);
    PlannerOptions { labels, sittings: &SITTINGS, import: ImportOptions::default() }
}

pub fn outcomes(plan: &ImportPlan) -> Vec<&BlockOutcome> {
    plan.items.iter().map(|item| &item.outcome).collect()
}

/// Plans rows with the records that the valid event, session and self-paced event name.
pub fn planned(lines: &[RowValues]) -> ImportPlan {
    let (local, remote) = valid_state();
    plan(&timetable(lines), &local, &remote, planner_options(&labels()))
}

pub fn valid_state() -> (LocalState, RemoteState) {
    state_of(&timetable(&[event("A"), session("A", 2), self_paced("OC")]))
}

/// Returns the local state after a plan of new events was applied.
pub fn applied(plan: &ImportPlan, local: &LocalState) -> LocalState {
    let mut after = local.clone();
    let planned = plan.items.iter().filter_map(|item| item.event.as_ref());
    for (id, planned) in (1..).zip(planned) {
        let event = planned.event.clone();
        after.links.insert(id, Link { linked: event.sessions.len(), ..Link::default() });
        let session_ids = event.sessions.iter().map(|session| id * 100 + i64::from(session.sequence)).collect();
        after.events.insert(fold(&event.code), KnownEvent { id, event, session_ids });
    }
    after
}
