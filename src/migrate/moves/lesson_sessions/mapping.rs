//! What each column of `public.sessions` is made of. Pure: expressions on a row `o` of the older table.
//!
//! A row is mapped in the same way whenever it is: when it is copied, when the copy is verified and when the move is undone.

use super::shape::{self, Family};
use crate::migrate::catalog::{Catalog, Relation, quote};

pub const STATUS: KnownWords =
    KnownWords { words: &["scheduled", "in-progress", "completed", "cancelled", "missed"], width: 20 };
pub const MODE: KnownWords = KnownWords { words: &["online", "in-person", "hybrid"], width: 50 };
pub const FREQUENCY: KnownWords = KnownWords { words: &["one-time", "weekly", "bi-weekly", "monthly"], width: 50 };

/// The known values of a column; the first stands for none.
#[derive(Debug, Clone, Copy)]
pub struct KnownWords {
    pub words: &'static [&'static str],
    width: u32,
}

// Documents of the usual shapes are recognised by their text, without regular expressions: those and a function for each
// row would take most of the time.

/// What `jsonb` may refuse: escapes and very great numbers.
const NOT_BINARY: &str = r"\\u|[0-9][eE]";

/// How the rows of a table become lesson sessions.
#[derive(Debug, Clone)]
pub struct Mapping<'a> {
    pub source: &'a Relation,
    pub has_enrolments: bool,
    /// The table whose reviews name a session.
    pub reviews: Option<&'a Relation>,
    /// Time zone of times without one.
    pub zone: String,
}

/// A column of the new table with its expression.
pub type Mapped = (&'static str, String);

impl<'a> Mapping<'a> {
    pub fn new(source: &'a Relation, catalog: &'a Catalog, zone: &str) -> Mapping<'a> {
        let reviews = catalog.table("public", "tutor_reviews").filter(|table| {
            let is_number = |name| table.column(name).and_then(shape::family) == Some(Family::Integer);
            table.is_table() && is_number("session_id") && is_number("id")
        });
        let has_enrolments = catalog.table("public", "enrolled_students").is_some();
        Mapping { source, has_enrolments, reviews, zone: zone.to_owned() }
    }

    /// Returns the columns of the new table in their order.
    pub fn columns(&self) -> Vec<Mapped> {
        let flag = |name: &str| format!("coalesce({}, false)", self.value(name, "boolean"));
        let attendance = |name: &str| {
            format!("CASE {} WHEN true THEN 'present' WHEN false THEN 'absent' END", self.value(name, "boolean"))
        };
        vec![
            ("id", "o.id::integer".to_owned()),
            ("course_enrollment_id", "coalesce(e.id, p.id)::integer".to_owned()),
            ("topics", self.topics()),
            ("topics_covered", self.topics_covered()),
            ("session_date", "o.session_date".to_owned()),
            ("start_time", "o.start_time".to_owned()),
            ("end_time", self.end_time()),
            ("duration", self.duration()),
            ("session_mode", self.word("mode", MODE)),
            ("location", format!("left({}, 255)", self.value("location", "text"))),
            ("whiteboard_id", "NULL::integer".to_owned()),
            ("student_review_id", if self.reviews.is_some() { "r.id::integer" } else { "NULL::integer" }.to_owned()),
            ("tutor_review_id", "NULL::integer".to_owned()),
            ("parent_review_id", "NULL::integer".to_owned()),
            ("tutor_attendance_status", attendance("tutor_attended")),
            ("student_attendance_status", attendance("student_attended")),
            ("priority_level", "'medium'".to_owned()),
            ("is_recurring", flag("is_recurring")),
            ("session_frequency", self.word("session_frequency", FREQUENCY)),
            ("recurring_pattern", self.pattern()),
            ("notification_enabled", flag("notification_enabled")),
            ("alarm_enabled", flag("alarm_enabled")),
            ("alarm_before_minutes", format!("coalesce({}, 15)", self.value("alarm_before_minutes", "integer"))),
            ("is_featured", flag("is_featured")),
            ("status", self.word("status", STATUS)),
            ("created_at", self.time("created_at")),
            ("updated_at", self.time("updated_at")),
        ]
    }

    /// Returns the table with the enrolments and reviews that its rows refer to; `table` is its name for a statement.
    pub fn from(&self, table: &str) -> String {
        let mut from = format!("{table} AS o");
        if self.has_enrolments {
            from += &format!(
                " LEFT JOIN public.enrolled_students AS e
                      ON e.id = {} AND e.tutor_id = o.tutor_id AND e.student_id = o.student_id
                  LEFT JOIN (SELECT tutor_id, student_id, min(id) AS id, count(*) AS several
                             FROM public.enrolled_students GROUP BY 1, 2) AS p
                      ON p.tutor_id = o.tutor_id AND p.student_id = o.student_id",
                self.value("enrollment_id", "integer")
            );
        } else {
            from += " CROSS JOIN (SELECT NULL::integer AS id) AS e CROSS JOIN (SELECT NULL::integer AS id, 0 AS several) AS p";
        }
        if let Some(reviews) = self.reviews {
            from += &format!(
                " LEFT JOIN (SELECT session_id, min(id) AS id FROM {} GROUP BY 1 HAVING count(*) = 1) AS r
                      ON r.session_id = o.id",
                reviews.sql_name()
            );
        }
        from
    }

    /// Returns the rows as lesson sessions. `filter` is a condition on `o`, or empty.
    pub fn select(&self, table: &str, filter: &str) -> String {
        let columns: Vec<String> =
            self.columns().into_iter().map(|(name, value)| format!("{value} AS {name}")).collect();
        let filter = if filter.is_empty() { String::new() } else { format!(" WHERE {filter}") };
        format!("SELECT {} FROM {}{filter}", columns.join(", "), self.from(table))
    }

    pub fn has(&self, name: &str) -> bool {
        self.source.column(name).is_some()
    }

    fn is_of(&self, name: &str, family: Family) -> bool {
        self.source.column(name).and_then(shape::family) == Some(family)
    }

    /// Returns a column of the older table, or null where it has none.
    pub fn value(&self, name: &str, data_type: &str) -> String {
        if self.has(name) { format!("o.{}::{data_type}", quote(name)) } else { format!("NULL::{data_type}") }
    }

    /// Returns a column that holds a document.
    pub fn json(&self, name: &str) -> String {
        if self.is_of(name, Family::Text) {
            format!("pg_temp.json_of(o.{}::text)", quote(name))
        } else {
            self.value(name, "json")
        }
    }

    fn topics(&self) -> String {
        let texts: Vec<String> = ["subject", "topic"]
            .into_iter()
            .filter(|name| self.has(name))
            .map(|name| format!("nullif({}, '')", self.value(name, "text")))
            .collect();
        let known: Vec<String> = texts.iter().map(|text| format!("{text} IS NOT NULL")).collect();
        let list = format!("ARRAY[{}]::text[]", texts.join(", "));
        let are_known = if known.is_empty() { "true".to_owned() } else { known.join(" AND ") };
        format!("array_to_json(CASE WHEN {are_known} THEN {list} ELSE array_remove({list}, NULL) END)")
    }

    fn topics_covered(&self) -> String {
        let value = self.json("topics_covered");
        format!(
            "CASE json_typeof({value})
                  WHEN 'array' THEN CASE WHEN strpos({value}::text, '\\') > 0 THEN pg_temp.readable_list({value}) ELSE {value} END
                  WHEN 'object' THEN CASE WHEN {} THEN {}::json ELSE pg_temp.only_list({value}) END
                  WHEN 'string' THEN CASE WHEN {value}::text = '\"\"' THEN '[]' ELSE pg_temp.readable_list(json_build_array({value})) END
                  ELSE '[]' END",
            has_only_list(&value),
            first_list(&value)
        )
    }

    /// Returns a condition on rows whose topics are not carried over as they are.
    pub fn has_other_topics(&self) -> String {
        let value = self.json("topics_covered");
        format!(
            "CASE json_typeof({value})
                  WHEN 'object' THEN CASE WHEN {} THEN false ELSE NOT pg_temp.is_only_list({value}) END
                  WHEN 'array' THEN strpos({value}::text, '\\') > 0 AND pg_temp.readable_list({value})::text <> {value}::text
                  WHEN 'string' THEN {value}::text ~ '{NOT_BINARY}' AND pg_temp.readable_list(json_build_array({value}))::text = '[]'
                  WHEN 'null' THEN false
                  ELSE json_typeof({value}) IS NOT NULL END",
            has_only_list(&value)
        )
    }

    pub fn end_time(&self) -> String {
        let minutes = format!("greatest(coalesce({}, 60), 1)", self.value("duration", "integer"));
        format!("coalesce(o.end_time, o.start_time + make_interval(mins => {minutes}))")
    }

    pub fn duration(&self) -> String {
        format!(
            "coalesce({}, CASE WHEN o.end_time > o.start_time
                               THEN (extract(epoch FROM o.end_time - o.start_time) / 60)::integer
                               WHEN o.end_time IS NULL THEN 60 END)",
            self.value("duration", "integer")
        )
    }

    pub fn word(&self, name: &str, known: KnownWords) -> String {
        let value = self.value(name, "text");
        let words: Vec<String> = known.words.iter().map(|word| format!("'{word}'")).collect();
        let (words, default, width) = (words.join(", "), known.words[0], known.width);
        let meant = if name == "session_frequency" { format!("lower({value})") } else { value.clone() };
        let cases: String = known.words.iter().map(|word| format!(" WHEN '{word}' THEN '{word}'")).collect();
        format!(
            "CASE lower({value} COLLATE \"C\"){cases} WHEN '' THEN '{default}'
                  ELSE coalesce(pg_temp.nearest_word({meant}, ARRAY[{words}], {width}), '{default}') END"
        )
    }

    pub fn pattern(&self) -> String {
        let value = self.json("recurring_pattern");
        format!(
            "CASE WHEN {value} IS NULL OR {} THEN NULL WHEN {} THEN {value} ELSE pg_temp.known_pattern({value}) END",
            lacks_known_parts(&value),
            has_known_parts_only(&value)
        )
    }

    /// Returns a condition on rows whose pattern is not carried over as it is.
    pub fn has_other_pattern(&self) -> String {
        let value = self.json("recurring_pattern");
        format!(
            "CASE WHEN {value} IS NULL OR json_typeof({value}) = 'null' THEN false WHEN {} THEN true
                  WHEN {} THEN false
                  ELSE pg_temp.known_pattern({value})::text IS DISTINCT FROM {value}::text END",
            lacks_known_parts(&value),
            has_known_parts_only(&value)
        )
    }

    /// Returns a query for the frequency and the number of lessons of a pattern.
    pub fn series(&self) -> String {
        let value = self.json("recurring_pattern");
        format!(
            "SELECT nullif({value} ->> 'frequency', '') AS frequency,
                    CASE WHEN {value} ->> 'count' ~ '^[0-9]{{1,9}}$' THEN ({value} ->> 'count')::integer END AS occurrences
             WHERE strpos({value}::text, '\\') = 0
             UNION ALL
             SELECT s.frequency, s.occurrences FROM pg_temp.series({value}) AS s WHERE strpos({value}::text, '\\') > 0"
        )
    }

    /// Returns a document for the archive.
    pub fn archived(value: &str) -> String {
        format!("CASE WHEN {value}::text ~ '{NOT_BINARY}' THEN pg_temp.archived({value}) ELSE {value}::jsonb END")
    }

    fn time(&self, name: &str) -> String {
        let is_with_zone = self.source.column(name).is_some_and(|column| column.data_type.ends_with("with time zone"));
        if is_with_zone {
            format!("(o.{} AT TIME ZONE '{}')", quote(name), self.zone.replace('\'', "''"))
        } else {
            self.value(name, "timestamp")
        }
    }

    /// Returns when a row was last changed, with its zone.
    pub fn changed_at(&self) -> String {
        let zone = self.zone.replace('\'', "''");
        format!("coalesce({}, {}) AT TIME ZONE '{zone}'", self.time("updated_at"), self.time("created_at"))
    }

    /// Returns the columns that stay in the archive alone, with those that are unknown.
    pub fn not_carried_over(&self) -> Vec<&'a str> {
        let carried: Vec<&str> = shape::carried_over().collect();
        let names = self.source.columns.iter().map(|column| column.name.as_str());
        names.filter(|name| !carried.contains(name)).collect()
    }
}

/// Returns a condition on documents without a known part and without an escape that may hide one.
fn lacks_known_parts(value: &str) -> String {
    let lacks = |part: &str| format!("strpos({value}::text, '{part}') = 0");
    let parts: Vec<String> = ["\"days\"", "\"months\"", "\"specific_dates\"", "\\"].map(lacks).into();
    format!("{} AND btrim({value}::text, E'{{}} \\t\\r\\n') <> ''", parts.join(" AND "))
}

/// Returns a condition on documents of known parts only. It may miss some of them.
fn has_known_parts_only(value: &str) -> String {
    // A control character cannot stand in a document: it marks the known names, and goes where a list or null follows.
    let marked = [
        ("\"days\":", "\x01"),
        ("\"months\":", "\x01"),
        ("\"specific_dates\":", "\x01"),
        ("\x01 ", "\x01"),
        ("\x01[", ""),
        ("\x01null", ""),
        (":", "\x01"),
    ];
    let rest = marked.iter().fold(format!("{value}::text"), |text, (from, to)| {
        let [from, to] = [from, to].map(|text| text.replace('\x01', "\\x01"));
        format!("replace({text}, E'{from}', E'{to}')")
    });
    // Without another name or object in it, only the known parts are left.
    format!(
        "{value}::text LIKE '{{%' AND strpos({value}::text, '\\') = 0 AND strpos(substr({value}::text, 2), '{{') = 0
         AND strpos({rest}, E'\\x01') = 0"
    )
}

/// Returns a condition on objects with one list and nothing else. It may miss some of them.
fn has_only_list(value: &str) -> String {
    // Without escapes, quotes are the ends of names and texts: a list follows the first name, and nothing the first end of
    // a list.
    format!(
        "strpos({value}::text, '\\') = 0 AND split_part({value}::text, '[', 1) LIKE '%\"%\"%'
         AND ltrim(split_part({value}::text, '\"', 3), E': \\t\\r\\n') LIKE '[%'
         AND btrim(substr({value}::text, strpos({value}::text, ']') + 1), E' \\t\\r\\n') = '}}'"
    )
}

/// Returns the text from the first beginning of a list to the first end of one.
fn first_list(value: &str) -> String {
    format!(
        "substr({value}::text, strpos({value}::text, '['),
                strpos({value}::text, ']') - strpos({value}::text, '[') + 1)"
    )
}
