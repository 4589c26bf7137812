//! The fields of the form of a lesson: from a document, and to the body of a change.

use serde_json::{Map, Value, json};

use crate::lessons::api::resources::{MODES, PRIORITIES};
use crate::lessons::store::choices::EnrolmentChoice;
use crate::web::document::{list, text};
use crate::web::fields::{FieldLook, FieldOption, FormField, FormFields};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Fields whose content is a text of the document.
const TEXTS: [&str; 6] = ["session_date", "start_time", "end_time", "session_mode", "location", "priority_level"];

const NUMBERS: [&str; 3] = ["course_enrollment_id", "alarm_before_minutes", "whiteboard_id"];

const FLAGS: [&str; 3] = ["notification_enabled", "alarm_enabled", "is_featured"];

/// Fields with one text a line.
const LINES: [&str; 2] = ["topics", "topics_covered"];

/// The fields of the rule of a series.
const RULE: [&str; 8] =
    ["session_frequency", "days", "months", "specific_dates", "until", "count", "holidays", "exceptions"];

/// Returns the fields with the values of a lesson, or with those of a new one. `has_rule`: whether it can begin a series.
pub(super) fn fields(enrolments: &[EnrolmentChoice], lesson: &Value, has_rule: bool) -> FormFields {
    let words = |words: &[&str]| words.iter().map(|word| FieldOption::new(word, *word)).collect::<Vec<_>>();
    let enrolments = enrolments.iter().map(|one| {
        let course = one.course.as_deref().map(|course| format!(", {course}")).unwrap_or_default();
        FieldOption::new(one.id, format!("{} with {}{course}", one.student, one.tutor))
    });
    let enrolments = std::iter::once(FieldOption::new("", "Choose one")).chain(enrolments).collect();
    let note =
        |name, label, hint: &str| FormField { look: FieldLook::Note, ..FormField::line(name, label).hinted(hint) };
    let mut all = vec![
        FormField {
            // A lesson that has lost its enrolment can still be changed.
            is_required: lesson["id"].is_null() || !lesson["course_enrollment_id"].is_null(),
            ..FormField::select("course_enrollment_id", "Student and tutor", enrolments)
        },
        FormField::typed("session_date", "Day", "date").required(),
        FormField::typed("start_time", "Begins", "time").required(),
        FormField::typed("end_time", "Ends", "time").required(),
        note("topics", "Topics", "One a line"),
        FormField::select("session_mode", "Mode", words(MODES)).required(),
        FormField::line("location", "Place").hinted("For lessons that are not online"),
        FormField::select("priority_level", "Priority", words(PRIORITIES)).required(),
        FormField::check("notification_enabled", "Notification"),
        FormField::check("alarm_enabled", "Alarm"),
        FormField::typed("alarm_before_minutes", "Minutes before, of the alarm", "number"),
        FormField::check("is_featured", "Featured"),
        FormField::typed("whiteboard_id", "Whiteboard", "number").hinted("Its number"),
    ];
    if !lesson["id"].is_null() {
        all.push(note("topics_covered", "Topics covered", "One a line"));
    }
    if has_rule {
        all.extend(rule_fields());
    }
    let mut form = FormFields::new(all);
    fill(&mut form, lesson);
    form
}

fn rule_fields() -> Vec<FormField> {
    let frequencies = [
        ("one-time", "Once, or on the days below"),
        ("weekly", "Every week"),
        ("bi-weekly", "Every second week"),
        ("monthly", "Every month"),
    ];
    let holidays = [
        ("ignore", "Takes place on holidays"),
        ("skip", "Does not take place on holidays"),
        ("shift", "Moves to the next free day"),
    ];
    let options = |list: &[(&str, &str)]| list.iter().map(|(value, label)| FieldOption::new(value, *label)).collect();
    let words = |words: &[&str]| words.iter().map(|word| FieldOption::new(word, *word)).collect();
    vec![
        FormField::select("session_frequency", "Repeats", options(&frequencies)).required(),
        FormField::boxes("days", "On these weekdays", words(&WEEKDAYS)).hinted("None: that of the first lesson"),
        FormField::boxes("months", "In these months", words(&MONTHS)).hinted("None: all"),
        FormField::typed("until", "Last day", "date"),
        FormField::typed("count", "Number of lessons", "number"),
        FormField::line("specific_dates", "Further days").hinted("Such as 2026-12-24, with spaces between them"),
        FormField::line("exceptions", "Not on these days").hinted("Such as 2026-12-25, with spaces between them"),
        FormField::select("holidays", "Holidays", options(&holidays)).required(),
    ]
}

fn fill(form: &mut FormFields, lesson: &Value) {
    for name in TEXTS {
        let value = text(&lesson[name]);
        // A stored time has seconds.
        let is_time = name.ends_with("_time");
        form.set(name, if is_time { value.chars().take(5).collect() } else { value });
    }
    for name in NUMBERS {
        form.set(name, lesson[name].as_i64().map(|number| number.to_string()).unwrap_or_default());
    }
    for name in FLAGS {
        form.set(name, if lesson[name] == true { "true" } else { "" });
    }
    for name in LINES {
        form.set(name, list(&lesson[name]).map(text).collect::<Vec<_>>().join("\n"));
    }
    for (name, default) in [("session_mode", "online"), ("priority_level", "medium")] {
        if form.value(name).is_empty() {
            form.set(name, default);
        }
    }
    let (pattern, recurrence) = (&lesson["recurring_pattern"], &lesson["recurrence"]);
    let texts = |value: &Value| list(value).map(text).collect::<Vec<_>>();
    let frequency = text(&lesson["session_frequency"]);
    form.set("session_frequency", if frequency.is_empty() { "one-time".to_owned() } else { frequency });
    form.set_all("days", texts(&pattern["days"]));
    form.set_all("months", texts(&pattern["months"]));
    form.set("specific_dates", texts(&pattern["specific_dates"]).join(" "));
    form.set("until", text(&recurrence["until"]));
    form.set("count", recurrence["count"].as_i64().map(|count| count.to_string()).unwrap_or_default());
    form.set("exceptions", texts(&recurrence["exceptions"]).join(" "));
    let holidays = text(&recurrence["holidays"]);
    form.set("holidays", if holidays.is_empty() { "ignore".to_owned() } else { holidays });
}

/// Returns the changed fields of the document. `before`: what the form contained when it was opened.
pub(super) fn body(form: &mut FormFields, before: &FormFields) -> Map<String, Value> {
    let mut body = Map::new();
    let is_changed = |form: &FormFields, name: &str| form.values(name) != before.values(name);
    for name in TEXTS.into_iter().filter(|name| is_changed(form, name)) {
        let typed = form.value(name);
        body.insert(name.to_owned(), if typed.is_empty() { Value::Null } else { typed.into() });
    }
    for name in NUMBERS {
        if is_changed(form, name) {
            match number(form, name) {
                Ok(value) => drop(body.insert(name.to_owned(), value)),
                Err(error) => form.refuse(name, error),
            }
        }
    }
    for name in FLAGS.into_iter().filter(|name| is_changed(form, name)) {
        body.insert(name.to_owned(), (!form.value(name).is_empty()).into());
    }
    for name in LINES.into_iter().filter(|name| is_changed(form, name)) {
        let lines = form.value(name).lines().map(str::trim).filter(|line| !line.is_empty());
        body.insert(name.to_owned(), lines.collect());
    }
    if RULE.iter().any(|name| is_changed(form, name)) {
        body.extend(rule(form));
    }
    body
}

fn number(form: &FormFields, name: &str) -> Result<Value, &'static str> {
    let typed = form.value(name);
    if typed.is_empty() {
        return Ok(Value::Null);
    }
    typed.parse::<i64>().map(Value::from).map_err(|_| "Enter a whole number.")
}

/// Returns the fields of the document that make the rule of a series.
pub(super) fn rule(form: &mut FormFields) -> Map<String, Value> {
    let frequency = form.value("session_frequency").to_owned();
    let words = |name: &str| -> Vec<String> {
        let words = form.value(name).split([' ', ',', ';']);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (dates, exceptions) = (words("specific_dates"), words("exceptions"));
    let is_recurring = frequency != "one-time" || !dates.is_empty();
    if !is_recurring {
        return Map::from_iter([
            ("is_recurring".to_owned(), false.into()),
            ("session_frequency".to_owned(), frequency.into()),
            ("recurring_pattern".to_owned(), Value::Null),
        ]);
    }
    let count = match number(form, "count") {
        Ok(count) => count,
        Err(error) => {
            form.refuse("count", error);
            Value::Null
        }
    };
    let until = form.value("until");
    Map::from_iter([
        ("is_recurring".to_owned(), true.into()),
        (
            "recurring_pattern".to_owned(),
            json!({ "days": form.values("days"), "months": form.values("months"), "specific_dates": dates }),
        ),
        (
            "recurrence".to_owned(),
            json!({
                "until": if until.is_empty() { Value::Null } else { until.into() }, "count": count,
                "exceptions": exceptions, "holidays": form.value("holidays"),
            }),
        ),
        ("session_frequency".to_owned(), frequency.into()),
    ])
}

/// Returns the field of the form that shows a place of the document, such as `/recurrence/until`.
pub(super) fn field_of(pointer: &str) -> &'static str {
    let mut parts = pointer.split('/').filter(|part| !part.is_empty());
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = match first {
        "recurrence" | "recurring_pattern" if !second.is_empty() => second,
        "recurring_pattern" => "days",
        "recurrence" | "is_recurring" => "session_frequency",
        "duration" => "end_time",
        other => other,
    };
    let known = TEXTS.iter().chain(&NUMBERS).chain(&FLAGS).chain(&LINES).chain(&RULE);
    known.copied().find(|known| *known == name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_of_a_weekly_lesson_becomes_its_document() {
        let mut form = fields(&[], &Value::Null, true);
        let before = form.clone();
        for (name, value) in [
            ("session_date", "2026-12-07"),
            ("start_time", "17:00"),
            ("end_time", "18:00"),
            ("topics", "Fractions\n\n Decimals "),
            ("session_frequency", "weekly"),
            ("count", "6"),
            ("exceptions", "2026-12-21, 2026-12-28"),
        ] {
            form.set(name, value);
        }
        form.set_all("days", vec!["Monday".to_owned()]);
        let body = Value::Object(body(&mut form, &before));
        assert_eq!(body["topics"], json!(["Fractions", "Decimals"]));
        assert_eq!((&body["is_recurring"], &body["session_frequency"]), (&json!(true), &json!("weekly")));
        assert_eq!(body["recurring_pattern"]["days"], json!(["Monday"]));
        let expected =
            json!({ "until": null, "count": 6, "exceptions": ["2026-12-21", "2026-12-28"], "holidays": "ignore" });
        assert_eq!(body["recurrence"], expected);
        // What was read and not changed is not written.
        let mut again = fields(
            &[],
            &json!({ "id": 1, "start_time": "17:00:00", "session_mode": "online",
            "recurrence": { "count": 6, "exceptions": [], "holidays": "skip" } }),
            true,
        );
        let unchanged = again.clone();
        assert!(super::body(&mut again, &unchanged).is_empty());
        for (pointer, field) in
            [("/recurrence/until", "until"), ("/recurring_pattern/days/0", "days"), ("/duration", "end_time")]
        {
            assert_eq!(field_of(pointer), field);
        }
    }
}
