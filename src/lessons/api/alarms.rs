//! Alarms that are due until a time.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::members::id_of;
use super::planned::planned;
use crate::error::Error;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::identity::Caller;
use crate::lessons::rights::LessonScope;
use crate::lessons::store::list::{LessonFilter, series_of};
use crate::lessons::store::totals::{AlarmRow, alarms};
use crate::resources::api::ResourceState;

pub(super) const ALARMS: &str = "/api/sessions/alarms";

/// How far ahead alarms are listed, in days.
const MAX_DAYS: i64 = 366;

/// The earliest alarm before a lesson, in days.
const EARLIEST: i64 = 28;

/// The minutes of an alarm that does not say when it rings.
const MINUTES: i64 = 15;

/// List alarms.
///
/// Returns the alarms of the caller's scheduled lessons that are due until a time, the first one first, also those of planned
/// lessons of series. Alarms of lessons that have started are not returned.
#[utoipa::path(
    get, path = "/api/sessions/alarms", operation_id = "listAlarms", tag = "lessons",
    params(("until" = Option<String>, Query, description = "A time with its offset, or a day. None: 24 hours from now.")),
    responses(
        (status = 200, description = "The alarms.", body = ref("#/components/schemas/AlarmList")),
        (status = 422, description = "")
    )
)]
pub(super) async fn show_alarms(
    caller: Caller,
    State(state): State<ResourceState>,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let (zone, now) = (state.server.config.zone(), Timestamp::now());
    let mut until = now + 24.hours();
    for (name, value) in pairs(address)? {
        if name == "until" {
            until = time(value.trim(), &zone)?;
        }
    }
    if until > now + (24 * MAX_DAYS).hours() {
        let error = FieldError::new("/until", "too_large", format!("must be at most {MAX_DAYS} days from now"));
        return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let from = now.to_zoned(zone.clone()).date();
    let to = until.to_zoned(zone.clone()).date().saturating_add(EARLIEST.days());
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &caller).await?;
    let filter = LessonFilter {
        date_from: Some(from.to_string()),
        date_to: Some(to.to_string()),
        has_alarm: true,
        ..LessonFilter::default()
    };
    let mut rows = if until < now { Vec::new() } else { alarms(&mut db, &scope, &filter).await? };
    if until >= now {
        let series = series_of(&mut db, &scope, &filter).await?;
        let planned = planned(&mut db, &series, (from, to)).await?;
        rows.extend(planned.iter().filter(|one| one.head["status"] != "cancelled").map(|one| AlarmRow {
            session_id: id_of(&one.head),
            day: one.occurrence.day.to_string(),
            occurrence: Some(one.occurrence.rule_day().to_string()),
            start_time: one.head["start_time"].as_str().unwrap_or_default().to_owned(),
            minutes: one.head["alarm_before_minutes"].as_i64().unwrap_or(MINUTES),
        }));
    }
    let mut due: Vec<(Timestamp, Value)> = rows.iter().filter_map(|row| alarm(row, &zone, now, until)).collect();
    due.sort_by_key(|(at, alarm)| (*at, alarm["session_id"].as_i64()));
    Ok(Json(json!({ "results": due.into_iter().map(|(_, alarm)| alarm).collect::<Vec<_>>() })))
}

/// Reads a time, or the end of a day.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, HttpProblem> {
    let of_day = || {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10)?;
        let next = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
        Some(next.timestamp() - 1.second())
    };
    text.parse::<Timestamp>().ok().or_else(of_day).ok_or_else(|| {
        let message = "must be a time with its offset, like 2026-04-01T09:00:00Z, or a day";
        HttpProblem::fields(FieldError::new("/until", "invalid_value", message))
    })
}

/// Returns the alarm of a lesson if it is due and the lesson has not started.
fn alarm(row: &AlarmRow, zone: &TimeZone, now: Timestamp, until: Timestamp) -> Option<(Timestamp, Value)> {
    let day = row.day.parse::<Date>().ok()?;
    let start = day.to_datetime(row.start_time.parse::<Time>().ok()?).to_zoned(zone.clone()).ok()?;
    let due = start.checked_sub(row.minutes.minutes()).ok()?;
    let is_due = due.timestamp() <= until && start.timestamp() > now;
    let shown = due.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    is_due.then(|| {
        let alarm = json!({
            "session_id": row.session_id, "occurrence": row.occurrence, "due_at": shown,
            "minutes": row.minutes,
        });
        (due.timestamp(), alarm)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarm_keeps_the_wall_clock_over_a_change_of_the_clocks() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let now: Timestamp = "2026-03-27T00:00:00Z".parse().expect("a time");
        let row = |day: &str| AlarmRow {
            session_id: 7,
            day: day.to_owned(),
            occurrence: None,
            start_time: "09:00:00".to_owned(),
            minutes: 30,
        };
        let due = |day: &str, until: &str| {
            let until = until.parse().expect("a time");
            alarm(&row(day), &zone, now, until).map(|(_, alarm)| alarm["due_at"].as_str().unwrap_or("").to_owned())
        };
        assert_eq!(due("2026-03-28", "2026-04-30T00:00:00Z").as_deref(), Some("2026-03-28T08:30:00+00:00"));
        assert_eq!(due("2026-03-29", "2026-04-30T00:00:00Z").as_deref(), Some("2026-03-29T08:30:00+01:00"));
        assert_eq!(due("2026-03-29", "2026-03-29T07:29:59Z"), None);
        assert_eq!(due("2026-03-26", "2026-04-30T00:00:00Z"), None);
    }
}
