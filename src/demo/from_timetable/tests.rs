//! Tests of the provider that is inferred from rows.

use jiff::tz::TimeZone;

use super::*;
use crate::timetable_import::blocks;
use crate::timetable_import::blocks::ParseOptions;
use crate::timetable_import::layout::LAYOUT;
use spreadsheet::Limits;

/// Parses a timetable with these rows: template, title, location, venue, instructor, session instructor, day.
fn timetable(rows: &[[&str; 7]]) -> Timetable {
    let headers: Vec<&str> = LAYOUT.iter().map(|column| column.header).collect();
    let mut text = headers.join(",");
    for [template, title, location, venue, instructor, session_instructor, day] in rows {
        let value = |header: &str| match header {
            "Course template code" => template,
            "Event title" if !template.is_empty() => title,
            "Session title" => title,
            "Location" => location,
            "Venue" => venue,
            "Instructor" => instructor,
            "Session instructor" => session_instructor,
            "Event administrator" => "Mabel Ledgerton",
            "Day" => day,
            "Sitting" if !template.is_empty() => "2031A",
            "Classroom start date" | "Classroom end date" => "14/01/2031",
            "Classroom start time" => "09:00",
            "Classroom end time" => "12:00",
            "LMS start date" if !template.is_empty() => "02/01/2031",
            "LMS end date" if !template.is_empty() => "04/04/2031",
            "LMS start time" | "LMS end time" if !template.is_empty() => "16:00",
            _ => "",
        };
        let cells: Vec<&str> = headers.iter().map(|header| value(header)).collect();
        text += &format!("\n{}", cells.join(","));
    }
    let sheet = spreadsheet::read("t.csv", text.as_bytes(), &Limits::default()).expect("a sheet");
    let sittings = [("A".to_owned(), "-04".to_owned())].into();
    blocks::read(&sheet, &ParseOptions { zone: TimeZone::UTC, sittings, max_rows: 100 }).expect("blocks")
}

#[test]
fn subject_is_part_of_template_code() {
    for (code, subject) in [
        ("CB1_LO_6", "CB1"),
        ("OC_CB1", "CB1"),
        ("CM2-WKD", "CM2"),
        ("WAITLIST CM1 f2f", "CM1"),
        ("CB2_OC", "CB2"),
        ("oc.SP9.extra", "SP9"),
        ("CB1", "CB1"),
        ("OC", "OC"),
        ("DOCTOR_1", "DOCTOR"),
    ] {
        assert_eq!(subject_of(code), subject, "{code}");
    }
}

#[test]
fn named_records_exist() {
    let provider = infer(&timetable(&[
        ["XA1_LO_2", "XA1-01", "Live online", "Live online", "Una Ash / Vic Birch", "Una Ash", "1"],
        ["", "XA1-01-2", "", "", "", "Wim Cole", "2"],
        ["xa1_lo_2", "XA1-02", "LIVE ONLINE", "To be confirmed", "Una  ASH", "", "1"],
        ["XA1_f2f_1", "XA1-03", "Leeds", "Mill Rooms", "Prince", "", "1"],
        ["OC_XA2", "XA2-OC", "Online", "", "", "", ""],
    ]));
    let subjects: Vec<&str> = provider.subjects.iter().map(|subject| subject.code.as_str()).collect();
    assert_eq!(subjects, ["XA1", "XA2"]);
    let templates: Vec<_> = provider.templates.iter().map(|t| (t.code.as_str(), t.mode, t.sessions)).collect();
    assert_eq!(
        templates,
        [
            ("XA1_LO_2", LearningMode::Blended, 2),
            ("XA1_f2f_1", LearningMode::Blended, 1),
            ("OC_XA2", LearningMode::Lms, 0)
        ]
    );
    assert_eq!(provider.templates[0].approved, ["Una Ash", "Vic Birch", "Wim Cole"]);
    let locations: Vec<&str> = provider.locations.iter().map(|location| location.name.as_str()).collect();
    assert_eq!(locations, ["Live online", "Leeds", "Online"]);
    let venues: Vec<_> = provider.venues.iter().map(|v| (v.name.as_str(), v.location.as_str())).collect();
    assert_eq!(venues, [("Live online", "Live online"), ("Mill Rooms", "Leeds")]);
    let people: Vec<String> = provider.instructors.iter().map(Person::full_name).collect();
    assert_eq!(people, ["Una Ash", "Vic Birch", "Wim Cole", "Prince"]);
    let administrators: Vec<String> = provider.administrators.iter().map(Person::full_name).collect();
    assert_eq!(administrators, ["Mabel Ledgerton"]);
}

#[test]
fn every_event_has_one_product() {
    let provider = infer(&timetable(&[
        ["XA1_LO_1", "XA1-01", "Leeds", "", "Una Ash", "", "1"],
        ["xa1_lo_1", "XA1-02", "LEEDS", "", "Una Ash", "", "1"],
        ["XA1_LO_1", "XA1-03", "Dublin", "", "Una Ash", "", "1"],
    ]));
    let sold: Vec<_> = provider.tutorials.iter().map(|t| (t.template.as_str(), t.location.as_str())).collect();
    assert_eq!(sold, [("XA1_LO_1", "Leeds"), ("XA1_LO_1", "Dublin")]);
    assert_eq!(provider.exam_sessions.len(), 1);
    assert_eq!(provider.exam_sessions[0].code, "2031-04");
}

#[test]
fn long_codes_are_cut_and_unique() {
    let long = "MANAGEMENTACCOUNTING";
    let codes: Vec<String> = [format!("{long}A_LO_1"), format!("{long}B_LO_1"), format!("{long}A_f2f_1")].into();
    let rows: Vec<[&str; 7]> =
        codes.iter().map(|code| [code.as_str(), code.as_str(), "Leeds", "", "Una Ash", "", "1"]).collect();
    let provider = infer(&timetable(&rows));
    let subjects: Vec<&str> = provider.subjects.iter().map(|subject| subject.code.as_str()).collect();
    assert_eq!(subjects, ["MANAGEMENT", "MANAGEMEN2"]);
    let template_subjects: Vec<&str> = provider.templates.iter().map(|template| template.subject.as_str()).collect();
    assert_eq!(template_subjects, ["MANAGEMENT", "MANAGEMEN2", "MANAGEMENT"]);
}
