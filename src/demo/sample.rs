//! The sample provider: 60 subjects, two exam sessions, ten locations and 35 instructors. All of it is fictitious. Its
//! dates depend only on the day of the first run.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::provider::{Material, Person, Provider, Template, Tutorial};
use crate::catalogue::{ExamSession, Product, Subject, Variation};
use crate::tutorials::LearningMode;
use crate::tutorials::reference::{Location, Venue};

/// Series of subjects: their letters, and the titles of the subjects, which are numbered from 1.
#[rustfmt::skip]
const SERIES: [(&str, [&str; 5]); 12] = [
    ("AR", ["Foundations of Risk", "Risk Measures", "Credit Risk", "Operational Risk", "Enterprise Risk"]),
    ("BF", ["Business Finance", "Corporate Reporting", "Treasury", "Mergers", "Business Economics"]),
    ("CM", ["Contingent Mathematics", "Financial Mathematics", "Stochastic Modelling", "Mortality", "Asset Pricing"]),
    ("CS", ["Statistics", "Regression", "Time Series", "Survival Models", "Bayesian Methods"]),
    ("DS", ["Data Preparation", "Machine Learning", "Data Visualisation", "Data Ethics", "Text Mining"]),
    ("GI", ["General Insurance", "Reserving", "Pricing", "Reinsurance", "Catastrophe Models"]),
    ("HC", ["Health and Care", "Long-Term Care", "Morbidity", "Health Economics", "Care Funding"]),
    ("IN", ["Investment", "Fixed Income", "Derivatives", "Portfolio Construction", "Sustainable Finance"]),
    ("LF", ["Life Insurance", "Annuities", "With-Profits", "Solvency of Life Offices", "Unit-Linked Business"]),
    ("PN", ["Pensions", "Scheme Funding", "Pension Investment", "Transfers", "Public Schemes"]),
    ("PR", ["Professional Practice", "Communication", "Modelling Practice", "Ethics", "Governance"]),
    ("RG", ["Regulation", "Capital Standards", "Consumer Protection", "Competition", "Supervision"]),
];

/// Numbers of sessions per event, and for how many of the subjects (in order) each number applies.
pub const LENGTHS: [(usize, usize); 8] = [(10, 2), (8, 1), (6, 6), (5, 8), (4, 2), (3, 22), (2, 1), (1, 18)];

/// The number of subjects, from the first, that also have a self-paced course.
pub const SELF_PACED: usize = 17;

/// The location of online sessions. Its only venue has the same name and can be used by several sessions at once.
pub const LIVE_ONLINE: &str = "Live online";

/// The location of self-paced courses.
pub const ONLINE: &str = "Online";

/// Towns with their codes and rooms.
#[rustfmt::skip]
pub const TOWNS: [(&str, &str, [&str; 3]); 8] = [
    ("London", "LON", ["Amber House", "Quayside Rooms", "The Old Exchange"]),
    ("Birmingham", "BIR", ["Foundry Court", "Canal Rooms", "Linden Hall"]),
    ("Bristol", "BRI", ["Harbour Rooms", "Tower Lane", "Clifton Hall"]),
    ("Leeds", "LEE", ["Mill Rooms", "Aire Court", "Granary Hall"]),
    ("Manchester", "MAN", ["Cotton Rooms", "Bridge Court", "Ship Canal Hall"]),
    ("Edinburgh", "EDI", ["Castle Rooms", "Leith Court", "Meadows Hall"]),
    ("Glasgow", "GLA", ["Clyde Rooms", "Merchant Court", "Kelvin Hall Rooms"]),
    ("Dublin", "DUB", ["Liffey Rooms", "Canal Dock", "Phoenix Hall"]),
];

const FIRST_NAMES: [&str; 35] = [
    "Alba", "Bruno", "Clara", "Dorian", "Elsa", "Felix", "Gemma", "Hal", "Iris", "Jasper", "Karin", "Leo", "Maren",
    "Nico", "Olive", "Percy", "Queenie", "Rufus", "Selma", "Tobias", "Una", "Victor", "Wanda", "Xavier", "Yvette",
    "Zane", "Abel", "Bryony", "Conrad", "Delphine", "Edgar", "Fern", "Gideon", "Hester", "Ivor",
];

const LAST_NAMES: [&str; 35] = [
    "Ashdown",
    "Birchfield",
    "Copperwood",
    "Dunmore",
    "Elderby",
    "Fenwright",
    "Goldcrest",
    "Hawksworth",
    "Inglebrook",
    "Juniperson",
    "Kestrelby",
    "Larkspurr",
    "Mossgrove",
    "Nettlefold",
    "Oakenshaw",
    "Plumtree",
    "Quillfeather",
    "Rowanberry",
    "Saltmarsh",
    "Thistlewood",
    "Underbrook",
    "Vinterby",
    "Willowmere",
    "Yarrowby",
    "Zephyrson",
    "Applegarth",
    "Brackenbury",
    "Cloverdale",
    "Driftwood",
    "Emberley",
    "Foxglover",
    "Gorseland",
    "Heatherby",
    "Ivywood",
    "Jackdawson",
];

const ADMINISTRATORS: [(&str, &str); 4] =
    [("Mabel", "Ledgerton"), ("Otto", "Rosterby"), ("Pia", "Deskworth"), ("Sid", "Calendarson")];

/// An exam session of the sample provider, with the weeks of its tutorials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// Sitting in a timetable, such as `2027A`.
    pub sitting: String,
    /// Code of the exam session, such as `2027-04`.
    pub code: String,
    /// First Monday of teaching.
    pub starts: Date,
    /// First day of the exams.
    pub exams: Date,
}

/// Weeks between the first run and the first session. Events open five weeks before their first session.
const WEEKS_AHEAD: i32 = 7;

/// The longest time between the first session of a season and its exams, in weeks.
const WEEKS_OF_TEACHING: i32 = 18;

/// Returns the next two exam sessions with tutorials after `today`.
pub fn seasons(today: Date) -> [Season; 2] {
    let starts = monday(today.saturating_add(WEEKS_AHEAD.weeks()));
    let first = season(starts);
    let second = season(monday(first.exams.saturating_add(3.weeks())));
    [first, second]
}

fn season(starts: Date) -> Season {
    let ready = starts.saturating_add(WEEKS_OF_TEACHING.weeks());
    let mut exams = ready.first_of_month().saturating_add(1.month());
    while !matches!(exams.month(), 4 | 9) {
        exams = exams.saturating_add(1.month());
    }
    let letter = if exams.month() == 4 { 'A' } else { 'S' };
    Season {
        sitting: format!("{}{letter}", exams.year()),
        code: format!("{}-{:02}", exams.year(), exams.month()),
        starts,
        exams,
    }
}

fn monday(day: Date) -> Date {
    if day.weekday() == Weekday::Monday { day } else { day.nth_weekday(1, Weekday::Monday).unwrap_or(day) }
}

/// Returns the sample provider. `today`: the day of the first run.
pub fn provider(today: Date) -> Provider {
    let instructors = people(FIRST_NAMES.iter().zip(LAST_NAMES.iter()).map(|(first, last)| (*first, *last)));
    let subjects = subjects();
    let templates = templates(&subjects, &instructors);
    let exam_sessions = exam_sessions(&seasons(today));
    Provider {
        tutorials: tutorials(&templates, &exam_sessions),
        locations: locations(),
        remote_only_locations: vec![Location { name: "Old Depot".into(), code: "OLD".into() }],
        venues: venues(),
        administrators: people(ADMINISTRATORS),
        materials: materials(),
        has_spelling_variants: true,
        subjects,
        exam_sessions,
        templates,
        instructors,
    }
}

fn people(names: impl IntoIterator<Item = (&'static str, &'static str)>) -> Vec<Person> {
    let person = |(first, last): (&str, &str)| Person { first_name: first.into(), last_name: last.into() };
    names.into_iter().map(person).collect()
}

fn subjects() -> Vec<Subject> {
    let of = |(letters, titles): &(&str, [&str; 5])| {
        let number = |(title, n): (&&str, u32)| Subject { code: format!("{letters}{n}"), description: (*title).into() };
        titles.iter().zip(1..).map(number).collect::<Vec<_>>()
    };
    SERIES.iter().flat_map(of).collect()
}

/// Returns the number of sessions per event, for each subject in order.
fn lengths() -> impl Iterator<Item = usize> {
    LENGTHS.iter().flat_map(|(sessions, subjects)| std::iter::repeat_n(*sessions, *subjects))
}

/// Returns an online and a face-to-face template for every subject, and a self-paced one for some.
fn templates(subjects: &[Subject], instructors: &[Person]) -> Vec<Template> {
    let mut templates = Vec::new();
    for ((at, subject), sessions) in subjects.iter().enumerate().zip(lengths()) {
        // Six instructors per subject suffice, so that none teaches twice on one day.
        let approved: Vec<String> =
            (0..6).map(|n| instructors[(at * 3 + n * 5) % instructors.len()].full_name()).collect();
        for (word, label, price) in [("LO", "live online", 95), ("f2f", "face to face", 120)] {
            templates.push(Template {
                code: format!("{}_{word}_{sessions}", subject.code),
                title: format!("{} {}: {label}", subject.code, subject.description),
                subject: subject.code.clone(),
                mode: LearningMode::Blended,
                sessions,
                approved: approved.clone(),
                price: price * sessions as u32 + 60,
            });
        }
    }
    templates.extend(subjects.iter().take(SELF_PACED).map(|subject| Template {
        code: format!("OC_{}", subject.code),
        title: format!("{} {}: online classroom", subject.code, subject.description),
        subject: subject.code.clone(),
        mode: LearningMode::Lms,
        sessions: 0,
        approved: Vec::new(),
        price: 240,
    }));
    templates
}

fn exam_sessions(seasons: &[Season]) -> Vec<ExamSession> {
    let session = |season: &Season| ExamSession {
        code: season.code.clone(),
        starts: season.exams,
        ends: season.exams.saturating_add(3.weeks()),
    };
    seasons.iter().map(session).collect()
}

/// Returns the locations at which a template is on sale.
fn places(template: &Template) -> Vec<&'static str> {
    match template.mode {
        LearningMode::Lms => vec![ONLINE],
        _ if template.code.contains("_LO_") => vec![LIVE_ONLINE],
        _ => TOWNS.iter().map(|(town, ..)| *town).collect(),
    }
}

fn tutorials(templates: &[Template], exam_sessions: &[ExamSession]) -> Vec<Tutorial> {
    let mut tutorials = Vec::new();
    for exam_session in exam_sessions {
        for template in templates {
            tutorials.extend(places(template).into_iter().map(|location| Tutorial {
                exam_session: exam_session.code.clone(),
                template: template.code.clone(),
                location: location.into(),
            }));
        }
    }
    tutorials
}

fn locations() -> Vec<Location> {
    let towns = TOWNS.iter().map(|(name, code, _)| (*name, *code));
    let all = [(LIVE_ONLINE, "LO"), (ONLINE, "OC")].into_iter().chain(towns);
    all.map(|(name, code)| Location { name: name.into(), code: code.into() }).collect()
}

fn venues() -> Vec<Venue> {
    let rooms = TOWNS.iter().flat_map(|(town, _, rooms)| rooms.iter().map(move |room| (*room, *town)));
    let all = std::iter::once((LIVE_ONLINE, LIVE_ONLINE)).chain(rooms);
    all.map(|(name, location)| Venue { name: name.into(), location: location.into() }).collect()
}

#[rustfmt::skip]
fn materials() -> Vec<Material> {
    vec![
        material(("Course Notes", "CN", "notes"), ("Printed", "Printed notes", "PCN"), 95, "Everything that the exam asks for, chapter by chapter."),
        material(("Course Notes", "CN", "notes"), ("eBook", "Notes as eBook", "ECN"), 80, "Everything that the exam asks for, chapter by chapter."),
        material(("Flashcards", "FC", "cards"), ("Printed", "Printed cards", "PFC"), 35, "The essentials on cards."),
        material(("Assignment Marking", "AM", "assignments"), ("Marking", "Assignments, marked", "MAM"), 110, "Four assignments, marked within a week."),
        material(("Mock Exam Marking", "MM", "mocks"), ("Marking", "Mock exam, marked", "MMM"), 65, "A mock exam, marked like the real one."),
    ]
}

/// Creates a material. `product`: name, code and group; `variation`: kind, name and code; `price`: in pounds.
fn material(product: (&str, &str, &str), variation: (&str, &str, &str), price: u32, description: &str) -> Material {
    Material {
        product: Product {
            fullname: product.0.into(),
            shortname: product.0.into(),
            code: product.1.into(),
            description: description.into(),
            buy_both: product.1 == "CN",
            group: product.2.into(),
        },
        variation: Variation {
            kind: variation.0.into(),
            name: variation.1.into(),
            code: variation.2.into(),
            description: variation.1.into(),
        },
        price,
    }
}
