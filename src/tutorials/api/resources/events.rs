//! Events.

use super::fields::{MAX, WARNINGS, composed, detail, line, shown, text};
use super::sessions::SESSIONS;
use crate::config::Config;
use crate::resources::{
    Audience, DefaultValue, DetailTable, DocumentFilter, FieldSource, FilterKind, Include, IncludedContent, RangeOf,
    ResourceField, TableResource, ValueKind,
};
use crate::tutorials::api::complete;
use crate::tutorials::api::hooks::EventHooks;
use crate::workbook::values::sitting_spellings;

pub static EVENTS: TableResource = TableResource {
    path: "/api/tutorials/events",
    item_path: "/api/tutorials/events/{id}",
    noun: "event",
    table: "acted.tutorial_events",
    label: "item.code",
    details: Some(DetailTable { table: "lectern.event_details", own: "tutorial_event_id" }),
    joins: "LEFT JOIN acted.tutorial_locations AS location ON location.id = item.location_id
            LEFT JOIN acted.tutorial_venues AS venue ON venue.id = item.venue_id
            LEFT JOIN acted.products AS sold ON sold.id = item.product_id
            LEFT JOIN acted.catalog_exam_session_subjects AS taught ON taught.id = sold.exam_session_subject_id
            LEFT JOIN acted.catalog_subjects AS subject ON subject.id = taught.subject_id
            LEFT JOIN acted.catalog_exam_sessions AS exam ON exam.id = taught.exam_session_id",
    fields: &[
        ResourceField::id(),
        line("code", 100),
        ResourceField::reference("product_id", "acted.products"),
        detail("course_template_id", ValueKind::Reference("acted.tutorial_course_templates")),
        ResourceField::reference("location_id", "acted.tutorial_locations").or(DefaultValue::Null),
        shown(
            "location",
            "COALESCE(location.name, lectern.archived_place('acted.tutorial_events', item.id, 'location'))",
        ),
        ResourceField::reference("venue_id", "acted.tutorial_venues").or(DefaultValue::Null),
        shown("venue", "COALESCE(venue.name, lectern.archived_place('acted.tutorial_events', item.id, 'venue'))"),
        ResourceField::flag("is_soldout", false),
        ResourceField::new("finalisation_date", ValueKind::Date).or(DefaultValue::Null),
        ResourceField::new("remain_space", ValueKind::Integer { min: 0, max: MAX }).or(DefaultValue::Generated),
        ResourceField::new("start_date", ValueKind::Date),
        ResourceField::new("end_date", ValueKind::Date),
        detail("learning_mode", ValueKind::Choice(&["blended", "lms", "classroom"])).or(DefaultValue::Generated),
        detail("time_zone", ValueKind::TimeZone)
            .from(FieldSource::Detail {
                column: "time_zone",
                read: Some("COALESCE(details.time_zone, 'Europe/London')"),
            })
            .or(DefaultValue::Generated),
        detail("lms_start", ValueKind::Instant { is_end: false }),
        detail("lms_end", ValueKind::Instant { is_end: true }),
        detail("max_places", ValueKind::Integer { min: 0, max: MAX }),
        detail("sitting", ValueKind::Line { max: 50 }),
        flag_of_details("web_sale", "COALESCE(details.web_sale, false)"),
        flag_of_details("cancelled", "COALESCE(details.cancelled, false)"),
        detail("event_url", ValueKind::Url { max: 500 }),
        detail("ocr_moodle_code", ValueKind::Line { max: 100 }),
        ResourceField::new("instructor_ids", ValueKind::Ids("acted.tutorial_instructors"))
            .from(FieldSource::Expression(
                "COALESCE((SELECT json_agg(member.tutorial_instructor_id ORDER BY member.position)
                    FROM lectern.event_staff AS member WHERE member.tutorial_event_id = item.id
                      AND member.role = 'instructor' AND member.tutorial_instructor_id IS NOT NULL), '[]')",
            ))
            .or(DefaultValue::EmptyList),
        ResourceField::new("administrators", ValueKind::Names)
            .from(FieldSource::Expression(
                "COALESCE((SELECT json_agg(member.name ORDER BY member.position) FROM lectern.event_staff AS member
                    WHERE member.tutorial_event_id = item.id AND member.role = 'administrator'), '[]')",
            ))
            .or(DefaultValue::EmptyList)
            .only_for(Audience::Reader),
        ResourceField::new("custom_fields", ValueKind::Labels)
            .from(FieldSource::Expression(
                "json_build_object('values', COALESCE(details.custom_fields, '{}'), 'labels', (
                    SELECT json_agg(DISTINCT field.label) FROM adm.custom_fields AS field
                    WHERE field.entity_type = 'Event'))",
            ))
            .or(DefaultValue::Generated)
            .only_for(Audience::Reader),
        ResourceField::new("local_only", ValueKind::Flag)
            .from(FieldSource::Expression("COALESCE(details.delivery = 'never', false)"))
            .or(DefaultValue::Generated)
            .only_for(Audience::Reader),
        shown("store_product_code", "sold.product_code"),
        shown("subject_code", "subject.code"),
        composed("instructors", ValueKind::Items(TEACHER_FIELDS), INSTRUCTORS),
        composed("administrate", ValueKind::Record(ADMINISTRATE_FIELDS), ADMINISTRATE).only_for(Audience::Reader),
        composed(
            "warnings",
            WARNINGS,
            "CASE WHEN venue.location_id <> item.location_id THEN json_build_array(json_build_object(
                'pointer', '/venue_id', 'code', 'venue_of_other_location', 'message', format(
                    'the venue %s belongs to %s, not to %s', venue.name,
                    (SELECT home.name FROM acted.tutorial_locations AS home WHERE home.id = venue.location_id),
                    location.name)))
             ELSE '[]'::json END",
        ),
        ResourceField::time("created_at"),
        ResourceField::time("updated_at")
            .from(FieldSource::Expression("GREATEST(item.updated_at, details.updated_at)")),
    ],
    includes: &[Include {
        name: "sessions",
        content: IncludedContent::Rows { resource: &SESSIONS, own: "tutorial_event" },
    }],
    filters: FILTERS,
    order: &["start_date", "code"],
    public_rows: "NOT COALESCE(details.cancelled, false)",
    periods: &[("start_date", "end_date"), ("lms_start", "lms_end")],
    parts: &[
        "acted.tutorial_sessions",
        "acted.tutorial_session_instructors",
        "lectern.session_details",
        "lectern.event_staff",
    ],
    past: Some(|db, id, time| Box::pin(crate::history::as_of(db, id, time))),
    complete: Some(complete::event),
    write_parameters: &["allow_clash", "local_only"],
    deletion_parameters: &["remote"],
    hooks: &EventHooks,
    ..TableResource::BASE
};

const fn flag_of_details(name: &'static str, read: &'static str) -> ResourceField {
    ResourceField::flag(name, false).from(FieldSource::Detail { column: name, read: Some(read) })
}

const FILTERS: &[DocumentFilter] = &[
    DocumentFilter::new(
        "subject",
        FilterKind::Named { ids: "ARRAY[subject.id]", names: "ARRAY[subject.code::text, subject.description]" },
    ),
    DocumentFilter::new("code", FilterKind::Named { ids: "ARRAY[item.id]", names: "ARRAY[item.code::text]" }),
    DocumentFilter::new(
        "location",
        FilterKind::Named {
            ids: "ARRAY[item.location_id]",
            names: "ARRAY[location.name::text, NULLIF(location.code, '')::text]",
        },
    ),
    DocumentFilter::new("venue", FilterKind::Named { ids: "ARRAY[item.venue_id]", names: "ARRAY[venue.name::text]" }),
    DocumentFilter::new("instructor", FilterKind::Named { ids: TEACHER_IDS, names: TEACHER_NAMES }),
    DocumentFilter {
        spellings: Some(sittings),
        ..DocumentFilter::new(
            "sitting",
            FilterKind::Named { ids: "ARRAY[exam.id]", names: "ARRAY[details.sitting, exam.session_code::text]" },
        )
    },
    DocumentFilter::new("starts_from", FilterKind::From(RangeOf { day: "item.start_date", instant: None })),
    DocumentFilter::new("starts_to", FilterKind::Until(RangeOf { day: "item.start_date", instant: None })),
    DocumentFilter::new(
        "finalisation_from",
        FilterKind::From(RangeOf { day: "item.finalisation_date", instant: None }),
    ),
    DocumentFilter::new("finalisation_to", FilterKind::Until(RangeOf { day: "item.finalisation_date", instant: None })),
];

fn sittings(config: &Config, text: &str) -> Vec<String> {
    sitting_spellings(text, &config.sittings)
}

const TEACHER_IDS: &str = "ARRAY(
    SELECT teaching.tutorialinstructor_id FROM acted.tutorial_sessions AS taught_session
    JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialsessions_id = taught_session.id
    WHERE taught_session.tutorial_event_id = item.id
    UNION SELECT member.tutorial_instructor_id FROM lectern.event_staff AS member
    WHERE member.tutorial_event_id = item.id AND member.role = 'instructor')";

const TEACHER_NAMES: &str = "ARRAY(
    SELECT concat_ws(' ', NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), ''))
    FROM acted.tutorial_sessions AS taught_session
    JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialsessions_id = taught_session.id
    JOIN acted.tutorial_instructors AS teacher ON teacher.id = teaching.tutorialinstructor_id
    JOIN acted.staff AS employee ON employee.id = teacher.staff_id
    JOIN public.auth_user AS person ON person.id = employee.user_id
    WHERE taught_session.tutorial_event_id = item.id
    UNION SELECT member.name FROM lectern.event_staff AS member
    WHERE member.tutorial_event_id = item.id AND member.role = 'instructor')";

const TEACHER_FIELDS: &[ResourceField] =
    &[ResourceField::id(), text("display_name"), ResourceField::flag("is_active", true).read_only()];

const ADMINISTRATE_FIELDS: &[ResourceField] =
    &[text("external_id"), text("state"), text("lifecycle"), text("last_error"), text("reason")];

/// Everyone who teaches the event or one of its sessions.
const INSTRUCTORS: &str = "COALESCE((
    SELECT json_agg(json_build_object('id', teacher.id, 'display_name', COALESCE(NULLIF(concat_ws(' ',
        NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''), 'Instructor #' || teacher.id),
        'is_active', teacher.is_active) ORDER BY teacher.id)
    FROM acted.tutorial_instructors AS teacher
    LEFT JOIN acted.staff AS employee ON employee.id = teacher.staff_id
    LEFT JOIN public.auth_user AS person ON person.id = employee.user_id
    WHERE teacher.id = ANY (ARRAY(
        SELECT teaching.tutorialinstructor_id FROM acted.tutorial_sessions AS taught_session
        JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialsessions_id = taught_session.id
        WHERE taught_session.tutorial_event_id = item.id
        UNION SELECT member.tutorial_instructor_id FROM lectern.event_staff AS member
        WHERE member.tutorial_event_id = item.id AND member.role = 'instructor'))), '[]')";

/// What Administrate has of the event, and why it has not what it should.
const ADMINISTRATE: &str = "(
    SELECT json_build_object('external_id', bridge.external_id,
        'state', CASE WHEN effect.state IS NOT NULL THEN effect.state
                      WHEN bridge.external_id IS NOT NULL THEN 'delivered' ELSE 'local' END,
        'lifecycle', CASE WHEN bridge.external_id IS NOT NULL THEN lower(COALESCE(
            CASE WHEN agreed.agreed_at > bridge.updated_at THEN agreed.fields->>'state' END,
            bridge.lifecycle_state, agreed.fields->>'state', 'draft')) END,
        'last_error', effect.last_error,
        'reason', CASE
            WHEN effect.state IS NOT NULL OR bridge.external_id IS NOT NULL THEN effect.last_error
            WHEN details.delivery = 'never' THEN 'local_only is set'
            WHEN COALESCE(details.cancelled, false) THEN 'the event is cancelled'
            WHEN details.course_template_id IS NULL THEN 'the event has no course template'
            WHEN item.location_id IS NULL THEN 'the event has no location'
            WHEN NOT EXISTS (SELECT FROM adm.course_templates AS link
                WHERE link.tutorial_course_template_id = details.course_template_id) THEN format(
                    'the course template %s is not linked to Administrate: run `lectern sync course-templates`',
                    (SELECT template.code FROM acted.tutorial_course_templates AS template
                     WHERE template.id = details.course_template_id))
            WHEN NOT EXISTS (SELECT FROM adm.locations AS link WHERE link.tutorial_location_id = item.location_id)
                THEN format('the location %s is not linked to Administrate: run `lectern sync locations`', location.name)
            WHEN details.delivery = 'when_linked' THEN 'it is about to be delivered'
            ELSE 'nothing has requested its delivery: its next change does' END)
    FROM (VALUES (1)) AS once
    LEFT JOIN LATERAL (
        SELECT link.external_id, link.lifecycle_state, link.updated_at FROM adm.events AS link
        WHERE link.tutorial_event_id = item.id AND link.external_id IS NOT NULL ORDER BY link.id LIMIT 1) AS bridge ON true
    LEFT JOIN lectern.agreed
        ON agreed.entity = 'event-standing' AND agreed.external_id = bridge.external_id
    LEFT JOIN lectern.outbox AS effect
        ON effect.subject_kind = 'event' AND effect.subject_id = item.id AND effect.state <> 'delivered')";
