//! Sessions.

use super::events::EVENTS;
use super::fields::{MAX, WARNINGS, composed, line, shown};
use crate::resources::{
    DefaultValue, DocumentFilter, FieldSource, FilterKind, LinkTable, NestedList, RangeOf, ResourceField,
    TableResource, ValueKind,
};
use crate::tutorials::api::complete;
use crate::tutorials::api::hooks::SessionHooks;

pub static SESSIONS: TableResource = TableResource {
    path: "/api/tutorials/sessions",
    item_path: "/api/tutorials/sessions/{id}",
    noun: "session",
    table: "acted.tutorial_sessions",
    label: "item.title || ', ' || event.code",
    // A session without location and venue has those of its event.
    joins: "JOIN acted.tutorial_events AS event ON event.id = item.tutorial_event_id
            LEFT JOIN lectern.event_details AS event_details ON event_details.tutorial_event_id = event.id
            LEFT JOIN acted.tutorial_locations AS location ON location.id =
                CASE WHEN COALESCE(item.location_id, item.venue_id) IS NULL THEN event.location_id ELSE item.location_id END
            LEFT JOIN acted.tutorial_venues AS venue ON venue.id =
                CASE WHEN COALESCE(item.location_id, item.venue_id) IS NULL THEN event.venue_id ELSE item.venue_id END",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("tutorial_event", "acted.tutorial_events")
            .from(FieldSource::Column { column: "tutorial_event_id", read: None }),
        line("title", 255),
        ResourceField::reference("location_id", "acted.tutorial_locations").or(DefaultValue::Null),
        shown(
            "location",
            "COALESCE(location.name, lectern.archived_place('acted.tutorial_sessions', item.id, 'location'))",
        ),
        ResourceField::reference("venue_id", "acted.tutorial_venues").or(DefaultValue::Null),
        shown("venue", "COALESCE(venue.name, lectern.archived_place('acted.tutorial_sessions', item.id, 'venue'))"),
        ResourceField::new("start_date", ValueKind::Time),
        ResourceField::new("end_date", ValueKind::Time),
        ResourceField::new("sequence", ValueKind::Integer { min: 1, max: MAX }).or(DefaultValue::Generated),
        ResourceField::new("url", ValueKind::Url { max: 500 }).or(DefaultValue::Null),
        ResourceField::new("instructor_ids", ValueKind::Ids("acted.tutorial_instructors"))
            .from(FieldSource::Links(LinkTable {
                table: "acted.tutorial_session_instructors",
                own: "tutorialsessions_id",
                other: "tutorialinstructor_id",
            }))
            .or(DefaultValue::EmptyList),
        composed(
            "warnings",
            WARNINGS,
            "CASE WHEN venue.location_id <> location.id AND item.venue_id IS NOT NULL THEN json_build_array(json_build_object(
                'pointer', '/venue_id', 'code', 'venue_of_other_location', 'message', format(
                    'the venue %s belongs to %s, not to %s', venue.name,
                    (SELECT home.name FROM acted.tutorial_locations AS home WHERE home.id = venue.location_id),
                    location.name)))
             ELSE '[]'::json END",
        ),
        ResourceField::time("created_at"),
        ResourceField::time("updated_at"),
    ],
    filters: &[
        DocumentFilter::new("event", FilterKind::Named { ids: "ARRAY[item.tutorial_event_id]", names: "ARRAY[event.code::text]" }),
        DocumentFilter::new("location", FilterKind::Named {
                ids: "ARRAY[location.id]",
                names: "ARRAY[location.name::text, NULLIF(location.code, '')::text]",
            }),
        DocumentFilter::new("venue", FilterKind::Named { ids: "ARRAY[venue.id]", names: "ARRAY[venue.name::text]" }),
        DocumentFilter::new("instructor", FilterKind::Named {
                ids: "ARRAY(SELECT teaching.tutorialinstructor_id FROM acted.tutorial_session_instructors AS teaching
                            WHERE teaching.tutorialsessions_id = item.id)",
                names: "ARRAY(SELECT concat_ws(' ', NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), ''))
                        FROM acted.tutorial_session_instructors AS teaching
                        JOIN acted.tutorial_instructors AS teacher ON teacher.id = teaching.tutorialinstructor_id
                        JOIN acted.staff AS member ON member.id = teacher.staff_id
                        JOIN public.auth_user AS person ON person.id = member.user_id
                        WHERE teaching.tutorialsessions_id = item.id)",
            }),
        DocumentFilter::new("starts_from", FilterKind::From(START)),
        DocumentFilter::new("starts_to", FilterKind::Until(START)),
    ],
    nested: Some(NestedList {
        path: "/api/tutorials/events/{id}/sessions",
        parent: &EVENTS,
        field: "tutorial_event",
    }),
    order: &["tutorial_event", "sequence"],
    public_rows: "NOT COALESCE(event_details.cancelled, false)",
    periods: &[("start_date", "end_date")],
    parts: &["lectern.session_details"],
    lock_first: Some(
        "SELECT FROM acted.tutorial_events
         WHERE id = (SELECT tutorial_event_id FROM acted.tutorial_sessions WHERE id = $1) FOR NO KEY UPDATE",
    ),
    complete: Some(complete::session),
    write_parameters: &["allow_clash"],
    hooks: &SessionHooks,
    ..TableResource::BASE
};

/// A day is one of the event's time zone.
const START: RangeOf = RangeOf {
    day: "(item.start_date AT TIME ZONE COALESCE(event_details.time_zone, 'Europe/London'))::date",
    instant: Some("item.start_date"),
};
