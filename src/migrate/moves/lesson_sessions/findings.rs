//! What a person should know of the rows: what was changed, cut or could not be carried over. Pure.

use super::mapping::{FREQUENCY, KnownWords, MODE, Mapping, STATUS};

/// Rows of one kind.
#[derive(Debug, Clone)]
pub struct RowFinding {
    /// The column of the older table.
    pub field: &'static str,
    /// A condition on the row `o` with its enrolments `e`, `p`.
    pub condition: String,
    /// The value that goes to the archive, as an expression of type jsonb; none if it is not lost.
    pub archived: Option<String>,
    /// What is the matter, for the archive and the report.
    pub reason: String,
}

/// How many rows a finding concerns, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub finding: usize,
    pub rows: i64,
    pub ids: Vec<i64>,
}

impl RowFinding {
    /// Returns the sentence for a report.
    pub fn sentence(&self, table: &str, found: &Found) -> String {
        let ids: Vec<String> = found.ids.iter().map(i64::to_string).collect();
        let more = if found.rows > i64::try_from(ids.len()).unwrap_or(i64::MAX) { ", …" } else { "" };
        let rows = if found.rows == 1 { "1 row".to_owned() } else { format!("{} rows", found.rows) };
        let archived = if self.archived.is_some() { "; the whole value is in lectern.archive" } else { "" };
        format!("{table}: {rows} (id {}{more}): {}{archived}", ids.join(", "), self.reason)
    }
}

pub fn findings(mapping: &Mapping<'_>) -> Vec<RowFinding> {
    let mut findings = enrolments(mapping);
    findings.extend(times(mapping));
    if mapping.has("location") {
        findings.push(RowFinding {
            field: "location",
            condition: "length(o.location::text) > 255".to_owned(),
            archived: Some("to_jsonb(o.location::text)".to_owned()),
            reason: "location is longer than 255 characters and was cut".to_owned(),
        });
    }
    for (field, vocabulary) in [("status", STATUS), ("mode", MODE), ("session_frequency", FREQUENCY)] {
        if mapping.has(field) {
            findings.extend(words(mapping, field, vocabulary));
        }
    }
    if mapping.has("topics_covered") {
        findings.push(RowFinding {
            field: "topics_covered",
            condition: mapping.has_other_topics(),
            archived: Some(Mapping::archived(&mapping.json("topics_covered"))),
            reason: "topics_covered is neither a list nor an object with one list: only a single list in it was taken"
                .to_owned(),
        });
    }
    if mapping.has("recurring_pattern") {
        findings.push(RowFinding {
            field: "recurring_pattern",
            condition: mapping.has_other_pattern(),
            archived: Some(Mapping::archived(&mapping.json("recurring_pattern"))),
            reason:
                "recurring_pattern has another shape than days, months and specific_dates: frequency and count are in \
                     lectern.lesson_series"
                    .to_owned(),
        });
    }
    findings
}

fn enrolments(mapping: &Mapping<'_>) -> Vec<RowFinding> {
    let number = mapping.value("enrollment_id", "integer");
    let finding = |condition: String, archived: Option<String>, reason: &str| RowFinding {
        field: "enrollment_id",
        condition,
        archived,
        reason: reason.to_owned(),
    };
    vec![
        finding(
            format!("{number} IS NOT NULL AND e.id IS NULL AND p.id IS NOT NULL"),
            Some(format!("to_jsonb({number})")),
            "enrollment_id is of another tutor or student, or of no enrolment: the enrolment was found by tutor and student",
        ),
        finding(
            "e.id IS NULL AND p.several > 1".to_owned(),
            None,
            "tutor and student have several enrolments: the one with the lowest id was taken",
        ),
        finding(
            "coalesce(e.id, p.id) IS NULL".to_owned(),
            Some(format!(
                "jsonb_build_object('enrollment_id', {number}, 'tutor_id', o.tutor_id, 'student_id', o.student_id)"
            )),
            "tutor and student have no enrolment, so that course_enrollment_id is null: `lectern migrate apply \
             --create-enrolments` makes one for each pair",
        ),
    ]
}

fn times(mapping: &Mapping<'_>) -> Vec<RowFinding> {
    let finding = |field, condition: String, reason: &str| RowFinding {
        field,
        condition,
        archived: None,
        reason: reason.to_owned(),
    };
    let (duration, found_duration) = (mapping.value("duration", "integer"), mapping.duration());
    vec![
        finding(
            "end_time",
            "o.end_time IS NULL".to_owned(),
            "end_time is missing: it is start_time and the duration, or an hour",
        ),
        finding(
            "duration",
            format!("{duration} IS NULL AND {found_duration} IS NOT NULL"),
            "duration is missing: it was taken from the times",
        ),
        finding("duration", format!("{found_duration} IS NULL"), "duration is missing and stays null"),
        finding(
            "end_time",
            format!("{} <= o.start_time", mapping.end_time()),
            "end_time is not after start_time: both are stored as they were",
        ),
    ]
}

fn words(mapping: &Mapping<'_>, field: &'static str, known: KnownWords) -> Vec<RowFinding> {
    let (value, mapped) = (mapping.value(field, "text"), mapping.word(field, known));
    let words: Vec<String> = known.words.iter().map(|word| format!("'{word}'")).collect();
    let words = words.join(", ");
    let is_other = format!("{value} <> '' AND lower({value} COLLATE \"C\") NOT IN ({words})");
    vec![
        RowFinding {
            field,
            condition: format!("{is_other} AND btrim({value}) <> '' AND lower(btrim({value})) <> lower({mapped})"),
            archived: Some(format!("to_jsonb({value})")),
            reason: format!("{field} became the nearest known value"),
        },
        RowFinding {
            field,
            condition: format!("{is_other} AND {mapped} NOT IN ({words})"),
            archived: None,
            reason: format!("{field} is none of {} and is stored as it was", known.words.join(", ")),
        },
    ]
}
