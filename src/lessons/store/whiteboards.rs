//! SQL on whiteboards, which belong to another program.

use sqlx::PgConnection;

use crate::error::Result;

/// When a person was connected to a whiteboard, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    pub connected_at: Option<i64>,
    pub disconnected_at: Option<i64>,
    pub active_seconds: i64,
}

type Times = (Option<f64>, Option<f64>, f64);

/// Returns the connections of the tutor and of the student; none if the whiteboard or its columns do not exist.
pub async fn connections(db: &mut PgConnection, id: i64) -> Result<Option<[Connection; 2]>> {
    let is_known: bool = sqlx::query_scalar(
        "SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass('public.whiteboard_sessions')
           AND attname IN ('tutor_connected_at', 'student_connected_at') AND NOT attisdropped",
    )
    .fetch_one(&mut *db)
    .await?;
    if !is_known {
        return Ok(None);
    }
    let rows: Vec<Times> = sqlx::query_as(
        "SELECT extract(epoch FROM (board->>(person || '_connected_at'))::timestamptz)::float8,
                extract(epoch FROM (board->>(person || '_disconnected_at'))::timestamptz)::float8,
                COALESCE((board->>(person || '_total_active_seconds'))::float8, 0)
         FROM (SELECT to_jsonb(found) AS board FROM public.whiteboard_sessions AS found WHERE found.id = $1) AS found,
              unnest(ARRAY['tutor', 'student']) WITH ORDINALITY AS people (person, place) ORDER BY place",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    let connection = |(connected, disconnected, active): &Times| Connection {
        connected_at: connected.map(|seconds| seconds as i64),
        disconnected_at: disconnected.map(|seconds| seconds as i64),
        active_seconds: *active as i64,
    };
    Ok(match rows.as_slice() {
        [tutor, student] => Some([connection(tutor), connection(student)]),
        _ => None,
    })
}
