//! A fictitious provider and timetable of any size. No person is booked twice, all instructors are approved, and all
//! tutorials are on sale.

use jiff::ToSpan;
use jiff::civil::{Date, date, time};
use lectern::catalogue::{ExamSession, Subject};
use lectern::demo::provider::{Person, Provider, Template, Tutorial};
use lectern::demo::timetable::{Day, Planned};
use lectern::tutorials::LearningMode;
use lectern::tutorials::reference::{Location, Venue};

/// Sessions per event, by subject. Their mean of 3.8 is close to a real timetable.
const LENGTHS: [usize; 10] = [1, 3, 5, 3, 6, 1, 5, 3, 8, 3];

/// Number of subjects.
const SUBJECTS: usize = 50;
const LOCATIONS: usize = 10;
const PEOPLE: usize = 200;

/// One event in this number is self-paced.
const SELF_PACED: usize = 20;

const START: Date = date(2027, 1, 4);

/// Returns a provider with everything that [`timetable`] names.
pub fn provider() -> Provider {
    let exam_session = "2027-04".to_owned();
    let instructors: Vec<Person> = (0..PEOPLE).map(|at| person("Tutor", at)).collect();
    let template = |subject: usize, mode: LearningMode| Template {
        code: template_code(subject, mode),
        title: format!("Subject {subject:02}"),
        subject: subject_code(subject),
        mode,
        sessions: if mode == LearningMode::Lms { 0 } else { LENGTHS[subject % LENGTHS.len()] },
        approved: instructors.iter().skip(subject).step_by(SUBJECTS).map(Person::full_name).collect(),
        price: 400,
    };
    let blended = (0..SUBJECTS).map(|subject| template(subject, LearningMode::Blended));
    let templates: Vec<Template> =
        blended.chain((0..SUBJECTS).map(|subject| template(subject, LearningMode::Lms))).collect();
    let tutorials = templates.iter().flat_map(|template| {
        (0..LOCATIONS).map(|location| Tutorial {
            exam_session: "2027-04".to_owned(),
            template: template.code.clone(),
            location: location_name(location),
        })
    });
    Provider {
        subjects: (0..SUBJECTS).map(subject).collect(),
        exam_sessions: vec![ExamSession { code: exam_session, starts: date(2027, 4, 5), ends: date(2027, 4, 30) }],
        tutorials: tutorials.collect(),
        templates,
        locations: (0..LOCATIONS).map(location).collect(),
        venues: (0..PEOPLE).map(|at| venue(at, at % LOCATIONS)).collect(),
        instructors,
        administrators: (0..4).map(|at| person("Clerk", at)).collect(),
        ..Provider::default()
    }
}

/// Returns a provider with `records` locations, venues, instructors and templates, a quarter each.
pub fn references(records: usize) -> Provider {
    let each = records / 4;
    let instructors: Vec<Person> = (0..each).map(|at| person("Tutor", at)).collect();
    let template = |at: usize| Template {
        code: format!("T{at:05}"),
        title: format!("Template {at}"),
        subject: subject_code(0),
        mode: LearningMode::Blended,
        sessions: 1,
        approved: instructors.get(at).map(Person::full_name).into_iter().collect(),
        price: 400,
    };
    Provider {
        templates: (0..each).map(template).collect(),
        locations: (0..each).map(location).collect(),
        venues: (0..each).map(|at| venue(at, at)).collect(),
        instructors,
        ..Provider::default()
    }
}

/// Returns a number of events, distributed over the years.
pub fn timetable(events: usize) -> Vec<Planned> {
    (0..events).map(planned).collect()
}

fn planned(at: usize) -> Planned {
    let subject = at % SUBJECTS;
    let mode = if at % SELF_PACED == SELF_PACED - 1 { LearningMode::Lms } else { LearningMode::Blended };
    let weeks = 2 * i64::try_from(at / PEOPLE).unwrap_or_default();
    let first = START.saturating_add(weeks.weeks());
    let tutor = person("Tutor", at % PEOPLE).full_name();
    let length = if mode == LearningMode::Lms { 0 } else { LENGTHS[subject % LENGTHS.len()] };
    let day = |number: usize| Day {
        date: first.saturating_add(i64::try_from(number).unwrap_or_default().days()),
        starts: time(9, 30, 0, 0),
        ends: time(16, 30, 0, 0),
        instructor: tutor.clone(),
    };
    let template = template_code(subject, mode);
    Planned {
        title: format!("{template}-{at:05}-27A"),
        template,
        sitting: "2027A".to_owned(),
        location: location_name(at % LOCATIONS),
        venue: (length > 0).then(|| venue(at % PEOPLE, at % LOCATIONS).name),
        instructors: if length > 0 { vec![tutor.clone()] } else { Vec::new() },
        administrator: (length > 0).then(|| person("Clerk", at % 4).full_name()),
        places: (length > 0).then_some(24),
        opens: first.saturating_sub(7.days()),
        closes: first.saturating_add(60.days()),
        sessions: (0..length).map(day).collect(),
    }
}

fn subject_code(at: usize) -> String {
    format!("B{at:02}")
}

fn template_code(subject: usize, mode: LearningMode) -> String {
    let code = subject_code(subject);
    if mode == LearningMode::Lms { format!("OC_{code}") } else { code }
}

fn subject(at: usize) -> Subject {
    Subject { code: subject_code(at), description: format!("Subject {at:02}") }
}

fn location_name(at: usize) -> String {
    format!("Town {at:05}")
}

fn location(at: usize) -> Location {
    Location { name: location_name(at), code: format!("L{at:05}") }
}

fn venue(at: usize, location: usize) -> Venue {
    Venue { name: format!("House {at:05}"), location: location_name(location) }
}

fn person(first: &str, at: usize) -> Person {
    Person { first_name: first.to_owned(), last_name: format!("Of{at:05}") }
}
