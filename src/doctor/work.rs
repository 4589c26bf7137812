//! Work: the last syncs, what has not reached Administrate, webhooks, and the workers of `lectern serve`.

use std::time::Duration;

use administrate::WebhookType;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgPool;

use super::{CheckResult, listed, store};
use crate::config::Config;
use crate::config::cron::CronSchedule;
use crate::console::counted;
use crate::error::{Error, Result};
use crate::outbox;
use crate::runs::{self, LastSync};
use crate::sync::entity::Entity;
use crate::webhooks;

/// A due delivery that waits longer is waiting for a worker.
const OVERDUE_SECONDS: f64 = 300.0;
/// How much later than scheduled a sync may end.
const SCHEDULE_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
const WORKER_TIMEOUT: Duration = Duration::from_secs(3);

/// Counts what has not reached Administrate.
pub(super) async fn outbox(pool: &PgPool) -> Result<CheckResult> {
    let backlog = outbox::backlog(pool).await?;
    let pending = match &backlog.oldest_pending {
        Some(since) => format!("{} pending, the oldest since {since}", backlog.pending),
        None => "0 pending".to_owned(),
    };
    let detail = format!("{pending}; {} failed, {} unknown", backlog.failed, backlog.unknown);
    let mut fixes = Vec::new();
    if backlog.failed > 0 {
        fixes.push("`lectern outbox` shows why; then `lectern outbox retry ID`");
    }
    if backlog.unknown > 0 {
        fixes.push("look in Administrate, then `lectern outbox resolve ID --delivered EXTERNAL_ID` or `--recreate`");
    }
    let is_overdue = backlog.longest_due.is_some_and(|seconds| seconds > OVERDUE_SECONDS);
    if is_overdue {
        fixes.push("no worker delivers: start `lectern serve`, or run `lectern outbox run`");
    }
    Ok(if fixes.is_empty() { CheckResult::good(detail) } else { CheckResult::bad(detail, fixes.join("; ")) })
}

/// Counts the lessons that only staff see, because they have no enrolment.
pub(super) async fn lessons(pool: &PgPool) -> Result<CheckResult> {
    let Some(found) = store::lessons(pool).await? else {
        return Ok(CheckResult::good("there is no public.sessions yet"));
    };
    let detail = format!(
        "{} in all; {} without enrolment",
        counted(usize::try_from(found.all).unwrap_or_default(), "lesson"),
        found.without_enrolment
    );
    let fix = "only admins and operators see lessons without enrolment: give each one with PATCH /api/sessions/ID \
               {\"course_enrollment_id\": …}; `lectern migrate apply --create-enrolments` does it for those that the move \
               lesson-sessions found";
    Ok(if found.without_enrolment == 0 { CheckResult::good(detail) } else { CheckResult::bad(detail, fix) })
}

/// Finds the last successful sync of each entity, and entities whose last sync failed or is late.
pub(super) async fn syncs(pool: &PgPool, config: &Config, now: Timestamp) -> Result<CheckResult> {
    Ok(judge_syncs(&runs::last_syncs(pool).await?, config, now))
}

fn judge_syncs(syncs: &[LastSync], config: &Config, now: Timestamp) -> CheckResult {
    let entities = Entity::ALL.into_iter().chain([Entity::Events]);
    let (mut failed, mut late, mut never, mut done) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entity in entities {
        let name = entity.name().to_owned();
        let sync = syncs.iter().find(|sync| sync.entity == name);
        match sync.and_then(|sync| sync.succeeded_at.as_deref()) {
            None => never.push(name.clone()),
            Some(at) => done.push((at.to_owned(), name.clone())),
        }
        if sync.is_some_and(|sync| !matches!(sync.last_exit, Some(0 | 4))) {
            failed.push(name.clone());
        }
        let schedule = if entity == Entity::Events { &config.schedule.sync_events } else { &config.schedule.sync_all };
        let succeeded = sync.and_then(|sync| sync.succeeded_at.as_deref()).and_then(|at| at.parse().ok());
        if succeeded.is_some_and(|at| is_late(schedule, &config.time_zone, at, now)) {
            late.push(name);
        }
    }
    let mut shown = by_time(&done);
    if !never.is_empty() {
        shown.push(format!("never: {}", never.join(", ")));
    }
    let detail = shown.join("; ");
    if !failed.is_empty() {
        let detail = format!("the last sync of {} failed; last successes {detail}", failed.join(", "));
        return CheckResult::bad(detail, format!("run `lectern sync {}` and follow its message", failed[0]));
    }
    if !late.is_empty() {
        let detail = format!("scheduled syncs of {} did not come; last successes {detail}", late.join(", "));
        return CheckResult::bad(detail, "start `lectern serve`, which runs the schedule; its log says what failed");
    }
    CheckResult::good(match done.is_empty() {
        true => "nothing was synced yet (`lectern sync all` begins)".to_owned(),
        false => format!("last successes {detail}"),
    })
}

/// Groups entities by the minute of their last success, the latest first.
fn by_time(done: &[(String, String)]) -> Vec<String> {
    let mut minutes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (at, name) in done {
        let minute = at.get(..16).unwrap_or(at);
        match minutes.iter_mut().find(|(known, _)| *known == minute) {
            Some((_, names)) => names.push(name),
            None => minutes.push((minute, vec![name])),
        }
    }
    minutes.sort_by(|one, other| other.0.cmp(one.0));
    minutes.into_iter().map(|(minute, names)| format!("{minute}Z: {}", names.join(", "))).collect()
}

/// Reports whether two scheduled times have passed since the last success.
fn is_late(schedule: &str, zone: &str, last: Timestamp, now: Timestamp) -> bool {
    if schedule.trim().is_empty() {
        return false;
    }
    let Ok(schedule) = CronSchedule::parse(schedule, zone) else { return false };
    let second = schedule.next_after(last).and_then(|due| schedule.next_after(due));
    second.is_some_and(|due| now.duration_since(due) > SCHEDULE_SLACK)
}

/// Checks that webhooks are registered at this server and can be verified.
pub(super) async fn webhooks(pool: &PgPool, config: &Config) -> Result<CheckResult> {
    let found = webhooks::overview(pool).await?;
    let has_secret = !config.administrate.webhook_secret.is_empty();
    let url = webhooks::delivery_url(&config.public_url);
    let secret = if has_secret { "the secret is set" } else { "no secret is set" };
    if found.dead > 0 {
        return Ok(CheckResult::bad(
            format!(
                "{} from Administrate could not be applied",
                counted(found.dead.unsigned_abs() as usize, "webhook")
            ),
            "`lectern webhooks list` shows why; then `lectern webhooks replay`",
        ));
    }
    if found.registered.is_empty() {
        return Ok(CheckResult::good(format!(
            "none is registered, {secret}; changes arrive with `lectern sync events`"
        )));
    }
    if !has_secret {
        return Ok(CheckResult::bad(
            format!("{} registered, but {secret}: deliveries are refused", counted(found.registered.len(), "webhook")),
            "set ADMINISTRATE_WEBHOOK_SECRET to the key with which Administrate signs webhooks",
        ));
    }
    let is_registered = |kind: &WebhookType| {
        found.registered.iter().any(|(name, at)| name == kind.name() && url.as_ref().is_none_or(|url| url == at))
    };
    let missing: Vec<String> =
        WebhookType::ALL.iter().filter(|kind| !is_registered(kind)).map(|kind| kind.name().to_owned()).collect();
    Ok(match missing.is_empty() {
        true => CheckResult::good(format!("{} registered, {secret}", counted(found.registered.len(), "webhook"))),
        false => CheckResult::bad(
            format!("not registered at {}: {}", url.unwrap_or_default(), listed(&missing)),
            "run `lectern webhooks register`",
        ),
    })
}

/// Asks `lectern serve` at the address of the settings how its workers are.
pub(super) async fn worker(config: &Config) -> Result<CheckResult> {
    let bind = &config.bind;
    let answer = match tokio::time::timeout(WORKER_TIMEOUT, readiness(bind)).await {
        Ok(Ok(answer)) => answer,
        _ => {
            return Ok(CheckResult::good(format!(
                "no `lectern serve` answers at {bind} (LECTERN_BIND) of this machine"
            )));
        }
    };
    let Some(workers) = answer["workers"].as_array() else {
        return Ok(CheckResult::good(format!("what answers at {bind} (LECTERN_BIND) is not `lectern serve`")));
    };
    let field = |worker: &Value, name: &str| worker[name].as_str().unwrap_or_default().to_owned();
    let (running, restarting): (Vec<&Value>, Vec<&Value>) =
        workers.iter().partition(|worker| worker["state"].as_str() == Some("running"));
    let names = |workers: &[&Value]| workers.iter().map(|worker| field(worker, "name")).collect::<Vec<_>>();
    if !restarting.is_empty() {
        return Ok(CheckResult::bad(
            format!("`lectern serve` at {bind} restarts again and again: {}", names(&restarting).join(", ")),
            "its log says why",
        ));
    }
    Ok(CheckResult::good(format!("`lectern serve` at {bind} runs {}", names(&running).join(", "))))
}

/// Returns the document of `/readyz`.
async fn readiness(bind: &str) -> Result<Value> {
    let address = bind.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    // Creating a transport installs the cryptography that this client needs too.
    administrate::HttpTransport::new()?;
    let failed = |error: reqwest::Error| Error::Failed(error.to_string());
    let client = reqwest::Client::builder().no_proxy().build().map_err(failed)?;
    let response = client.get(format!("http://{address}/readyz")).send().await.map_err(failed)?;
    response.json().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(sync_all: &str) -> Config {
        let home = |name: &str| (name == "HOME").then(|| "/home/user".to_owned());
        let mut config = Config::load(Some(std::path::Path::new("config.default.toml")), home, &[]).expect("valid");
        config.schedule.sync_all = sync_all.to_owned();
        config
    }

    #[test]
    fn failed_and_late_syncs_are_deviations() {
        let now: Timestamp = "2026-02-10T12:00:00Z".parse().expect("a time");
        let sync = |entity: &str, at: &str, exit: i32| LastSync {
            entity: entity.into(),
            succeeded_at: (!at.is_empty()).then(|| at.to_owned()),
            last_exit: Some(exit),
        };
        for (syncs, schedule, expected) in [
            (vec![], "30 3 * * *", None),
            (vec![sync("locations", "2026-02-01T10:00:00Z", 0)], "", None),
            (vec![sync("locations", "2026-02-10T03:30:00Z", 4)], "30 3 * * *", None),
            (vec![sync("locations", "2026-02-08T03:30:00Z", 0)], "30 3 * * *", Some("lectern serve")),
            (vec![sync("venues", "2026-02-10T03:30:00Z", 1)], "", Some("run `lectern sync venues`")),
            (vec![sync("venues", "", 1)], "", Some("run `lectern sync venues`")),
        ] {
            let result = judge_syncs(&syncs, &config(schedule), now);
            assert_eq!(result.ok, expected.is_none(), "{syncs:?}: {result:?}");
            assert!(result.fix.unwrap_or_default().contains(expected.unwrap_or_default()), "{syncs:?}");
        }
    }

    #[test]
    fn entities_are_grouped_by_time() {
        let done = [("2026-02-01T10:00:01Z", "a"), ("2026-02-02T10:00:00Z", "b"), ("2026-02-01T10:00:59Z", "c")];
        let done = done.map(|(at, name)| (at.to_owned(), name.to_owned()));
        assert_eq!(by_time(&done), ["2026-02-02T10:00Z: b", "2026-02-01T10:00Z: a, c"]);
    }
}
