//! SQL that writes sessions, their details and their instructors.

use std::collections::HashMap;

use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;

use crate::error::Result;
use crate::tutorials::event::{Event, Session};

/// The columns of written sessions, one array each, with the ids of their events.
#[derive(Default)]
struct SessionRows<'a> {
    events: Vec<i64>,
    sequences: Vec<i32>,
    titles: Vec<&'a str>,
    starts: Vec<SqlTimestamp>,
    ends: Vec<SqlTimestamp>,
    locations: Vec<Option<i64>>,
    venues: Vec<Option<i64>>,
    urls: Vec<Option<&'a str>>,
}

impl<'a> SessionRows<'a> {
    fn of(events: &[(i64, &'a Event)]) -> Self {
        let mut rows = SessionRows::default();
        for (event, session) in sessions_of(events) {
            rows.events.push(event);
            rows.sequences.push(session.sequence);
            rows.titles.push(&session.title);
            rows.starts.push(session.start.to_sqlx());
            rows.ends.push(session.end.to_sqlx());
            rows.locations.push(session.location_id);
            rows.venues.push(session.venue_id);
            rows.urls.push(session.url.as_deref());
        }
        rows
    }

    fn bind(self, sql: &'static str) -> sqlx::query::Query<'a, sqlx::Postgres, sqlx::postgres::PgArguments> {
        let query = sqlx::query(sql).bind(self.events).bind(self.sequences).bind(self.titles);
        query.bind(self.starts).bind(self.ends).bind(self.locations).bind(self.venues).bind(self.urls)
    }
}

fn sessions_of<'a>(events: &[(i64, &'a Event)]) -> impl Iterator<Item = (i64, &'a Session)> {
    events.iter().flat_map(|(id, event)| event.sessions.iter().map(|session| (*id, session)))
}

/// Inserts missing sessions, and writes details and instructors of all.
pub async fn insert_sessions(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let insert = SessionRows::of(events).bind(
        "INSERT INTO acted.tutorial_sessions
             (tutorial_event_id, sequence, title, start_date, end_date, location_id, venue_id, url)
         SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
             $7::bigint[], $8::text[]) AS s (event, sequence, title, starts, ends, location, venue, url)
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_sessions AS known
                           WHERE known.tutorial_event_id = s.event AND known.sequence = s.sequence)",
    );
    insert.execute(&mut *db).await?;
    let ids = session_ids(db, events).await?;
    let known: Vec<(i64, &Session)> = sessions_of(events)
        .filter_map(|(event, session)| Some((*ids.get(&(event, session.sequence))?, session)))
        .collect();
    write_session_details(db, &known).await?;
    write_session_instructors(db, &known).await
}

/// Writes changes of sessions and inserts missing ones.
pub async fn update_sessions(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let update = SessionRows::of(events).bind(
        "UPDATE acted.tutorial_sessions AS known
         SET title = s.title, location_id = s.location, venue_id = s.venue, start_date = s.starts, end_date = s.ends,
             url = s.url
         FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
             $7::bigint[], $8::text[]) AS s (event, sequence, title, starts, ends, location, venue, url)
         WHERE known.tutorial_event_id = s.event AND known.sequence = s.sequence
           AND (known.title, known.location_id, known.venue_id, known.start_date, known.end_date, known.url)
               IS DISTINCT FROM (s.title, s.location, s.venue, s.starts, s.ends, s.url)",
    );
    update.execute(&mut *db).await?;
    insert_sessions(db, events).await
}

/// Returns the local ids of sessions by event and sequence.
async fn session_ids(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<HashMap<(i64, i32), i64>> {
    let event_ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let rows: Vec<(i64, i32, i64)> = sqlx::query_as(
        "SELECT tutorial_event_id, sequence, id FROM acted.tutorial_sessions WHERE tutorial_event_id = ANY ($1)",
    )
    .bind(event_ids)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(event, sequence, id)| ((event, sequence), id)).collect())
}

async fn write_session_details(db: &mut PgConnection, sessions: &[(i64, &Session)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.session_details AS known (tutorial_session_id, location_text, venue_text)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
         ON CONFLICT (tutorial_session_id) DO UPDATE
         SET location_text = excluded.location_text, venue_text = excluded.venue_text
         WHERE (known.location_text, known.venue_text) IS DISTINCT FROM (excluded.location_text, excluded.venue_text)",
    )
    .bind(sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(sessions.iter().map(|(_, session)| session.location_text.as_deref()).collect::<Vec<_>>())
    .bind(sessions.iter().map(|(_, session)| session.venue_text.as_deref()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

async fn write_session_instructors(db: &mut PgConnection, sessions: &[(i64, &Session)]) -> Result<()> {
    let pairs = sessions.iter().flat_map(|(id, session)| session.instructor_ids.iter().map(|one| (*id, *one)));
    let (session_ids, instructor_ids): (Vec<i64>, Vec<i64>) = pairs.unzip();
    sqlx::query(
        "WITH desired AS (
             SELECT DISTINCT session, instructor FROM unnest($2::bigint[], $3::bigint[]) AS w (session, instructor)
         ), deleted AS (
             DELETE FROM acted.tutorial_session_instructors AS known
             WHERE known.tutorialsessions_id = ANY ($1) AND NOT EXISTS (
                 SELECT FROM desired
                 WHERE desired.session = known.tutorialsessions_id AND desired.instructor = known.tutorialinstructor_id)
         )
         INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
         SELECT session, instructor FROM desired
         ON CONFLICT (tutorialsessions_id, tutorialinstructor_id) DO NOTHING",
    )
    .bind(sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(session_ids)
    .bind(instructor_ids)
    .execute(db)
    .await?;
    Ok(())
}

pub async fn delete_sessions(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query("DELETE FROM acted.tutorial_sessions WHERE id = ANY ($1)").bind(ids).execute(db).await?;
    Ok(())
}
