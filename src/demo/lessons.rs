//! Sample lessons: five tutors, 20 students, ten parents, and 200 lessons around the day of the first run.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store;
use crate::error::Result;

const TUTORS: [(&str, &str); 5] =
    [("Amara", "Quillby"), ("Bastian", "Fernsby"), ("Cosima", "Larkin"), ("Dimitri", "Ashgrove"), ("Elowen", "Marsh")];

#[rustfmt::skip]
const STUDENTS: [&str; 20] = [
    "Alba", "Bruno", "Clara", "Dorian", "Elsa", "Felix", "Gemma", "Hal", "Iris", "Jasper", "Karin", "Leo", "Maren", "Nico",
    "Olive", "Percy", "Queenie", "Rufus", "Selma", "Tobias",
];

const PARENTS: [&str; 10] =
    ["Una", "Victor", "Wanda", "Xavier", "Yvette", "Zane", "Abel", "Bryony", "Conrad", "Delphine"];

/// The family of each parent, and of their two children.
const FAMILIES: [&str; 10] = [
    "Ashdown",
    "Birchfield",
    "Copperwood",
    "Dunmore",
    "Elderby",
    "Fenwright",
    "Goldcrest",
    "Hawksworth",
    "Inglebrook",
    "Kestrelby",
];

const TOPICS: [&str; 10] = [
    "Fractions",
    "Linear equations",
    "Probability",
    "Quadratic functions",
    "Trigonometry",
    "Sequences",
    "Vectors",
    "Statistics",
    "Geometry",
    "Exam practice",
];

/// Lessons of each student.
const LESSONS: usize = 10;

/// Inserts the people and their lessons into an empty database. `today`: the day of the first run.
pub async fn fill(db: &mut PgConnection, today: Date) -> Result<()> {
    let person = |role: &str, at: usize, first: &str, family: &str| {
        let address = format!("{}.{}@example.org", first.to_lowercase(), family.to_lowercase());
        let username = format!("{role}{}", at + 1);
        json!({ "first_name": first, "father_name": family, "email": address, "username": username })
    };
    let tutors = TUTORS.iter().enumerate().map(|(at, (first, family))| person("tutor", at, first, family));
    let students = STUDENTS.iter().enumerate().map(|(at, first)| person("student", at, first, FAMILIES[at / 2]));
    let parents = PARENTS.iter().enumerate().map(|(at, first)| person("parent", at, first, FAMILIES[at]));
    let tutors = store::add_people(db, "tutor", &tutors.collect::<Vec<_>>()).await?;
    let students = store::add_people(db, "student", &students.collect::<Vec<_>>()).await?;
    let parents = store::add_people(db, "parent", &parents.collect::<Vec<_>>()).await?;
    let families = parents.iter().zip(students.chunks(2)).map(|(parent, children)| (*parent, children.to_vec()));
    store::add_families(db, &families.collect::<Vec<_>>()).await?;
    let pairs: Vec<(i64, i64)> =
        students.iter().enumerate().map(|(at, student)| (tutors[at % tutors.len()], *student)).collect();
    let enrolments = store::add_enrolments(db, &pairs).await?;
    let lessons: Vec<Value> =
        enrolments.iter().enumerate().flat_map(|(at, enrolment)| lessons_of(at, *enrolment, today)).collect();
    store::add_lessons(db, &lessons).await
}

/// Returns the lessons of one student: one a week, the older ones completed, the last one the first of a series.
fn lessons_of(at: usize, enrolment: i64, today: Date) -> Vec<Value> {
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).unwrap_or(today);
    let lesson = |number: usize| {
        let weeks = i64::try_from(number).unwrap_or_default() - 6;
        let weekday = i64::try_from(at % 5).unwrap_or_default();
        let day = monday.checked_add((weeks * 7 + weekday).days()).unwrap_or(monday);
        let hour = 14 + at / 5;
        let is_last = number + 1 == LESSONS;
        let (status, attendance) = match day < today {
            true if (at + number).is_multiple_of(11) => ("cancelled", None),
            true if (at + number).is_multiple_of(7) => ("missed", Some("absent")),
            true if (at + number).is_multiple_of(5) => ("completed", Some("late")),
            true => ("completed", Some("present")),
            false => ("scheduled", None),
        };
        let topic = TOPICS[(at + number) % TOPICS.len()];
        let mode = ["online", "in-person", "hybrid"][at % 3];
        let priority = ["medium", "medium", "low", "high", "urgent"][(at + number) % 5];
        let days = [NAMES[at % 5]];
        json!({
            "course_enrollment_id": enrolment, "topics": [topic],
            "topics_covered": if status == "completed" { json!([topic]) } else { json!([]) },
            "session_date": day.to_string(), "start_time": format!("{hour}:00"), "end_time": format!("{}:00", hour + 1),
            "duration": 60, "session_mode": mode,
            "location": if at % 3 == 1 { json!("Room 1") } else { Value::Null },
            "tutor_attendance_status": attendance.map(|_| "present"), "student_attendance_status": attendance,
            "priority_level": priority,
            "is_recurring": is_last, "session_frequency": if is_last { "weekly" } else { "one-time" },
            "recurring_pattern": if is_last { json!({ "days": days, "months": [], "specific_dates": [] }) } else { Value::Null },
            "alarm_enabled": at.is_multiple_of(2), "is_featured": number == LESSONS - 2 && at.is_multiple_of(4), "status": status,
        })
    };
    (0..LESSONS).map(lesson).collect()
}

const NAMES: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
