//! The database server: version, encoding, time zone, connections. Pure, except for the comparison of time zones.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use sqlx::PgPool;

use super::store::{self, ServerFacts};
use super::{CheckResult, bytes, quoted};
use crate::config::Config;
use crate::database::address;
use crate::error::Result;

/// How many months ahead the changes of clocks are compared.
const MONTHS: i64 = 24;

/// Describes the database that was reached.
pub(super) fn reached(facts: &ServerFacts, url: &str, is_private: bool) -> CheckResult {
    let size = bytes(u64::try_from(facts.size).unwrap_or_default());
    let place = match is_private {
        true => format!("the private database {} (DATABASE_URL is not set)", facts.database),
        false => address(url),
    };
    CheckResult::good(format!("{place}, {size}, as user {}", facts.user_name))
}

pub(super) fn version(facts: &ServerFacts) -> CheckResult {
    // Older ones are refused when the database is opened.
    CheckResult::good(format!("PostgreSQL {}; 15 or newer is needed", facts.version))
}

pub(super) fn encoding(facts: &ServerFacts) -> CheckResult {
    if facts.encoding == "UTF8" {
        return CheckResult::good("UTF8");
    }
    CheckResult::bad(
        format!("the database stores text as {}, which lacks most letters of the world", facts.encoding),
        format!(
            "create another database and copy this one: createdb -T template0 -E UTF8 NEW && pg_dump {} | psql NEW",
            facts.database
        ),
    )
}

pub(super) fn writable(facts: &ServerFacts) -> CheckResult {
    if facts.is_standby {
        return CheckResult::bad("this server is a standby and accepts no changes", "name the primary in DATABASE_URL");
    }
    if facts.is_read_only {
        return CheckResult::bad(
            "transactions are read-only",
            format!(
                "ALTER DATABASE {} RESET default_transaction_read_only, also for the user",
                quoted(&facts.database)
            ),
        );
    }
    CheckResult::good("the database accepts changes")
}

pub(super) fn connections(facts: &ServerFacts, config: &Config) -> CheckResult {
    let (workers, requests) = (i64::from(config.database_connections), i64::from(config.http.database_connections));
    let needed = workers + requests;
    let for_all = i64::from(facts.max_connections - facts.reserved);
    let limits = [(facts.user_limit, "the user"), (facts.database_limit, "the database")];
    let narrowest = limits.into_iter().filter(|(limit, _)| *limit >= 0 && i64::from(*limit) < for_all);
    let (available, whose) = match narrowest.min_by_key(|(limit, _)| *limit) {
        Some((limit, whose)) => (i64::from(limit), whose),
        None => (for_all, "the server"),
    };
    let detail = format!(
        "{available} connections are allowed by {whose}, {} of the server are used; `lectern serve` uses up to {needed} \
         ({workers} + {requests})",
        facts.used
    );
    if needed <= available {
        return CheckResult::good(detail);
    }
    let raise = match whose {
        "the user" => format!("ALTER ROLE {} CONNECTION LIMIT {needed}", quoted(&facts.user_name)),
        "the database" => format!("ALTER DATABASE {} CONNECTION LIMIT {needed}", quoted(&facts.database)),
        _ => format!("set max_connections to at least {} in postgresql.conf", needed + i64::from(facts.reserved) + 10),
    };
    CheckResult::bad(detail, format!("{raise}, or lower database_connections and http.database_connections"))
}

pub(super) fn track_activities(facts: &ServerFacts) -> CheckResult {
    match (facts.tracks_activities, facts.sees_others) {
        (false, _) => CheckResult::bad(
            "track_activities is off: who holds a lock for which a migration waits cannot be named",
            "ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf()",
        ),
        (true, true) => CheckResult::good("on"),
        (true, false) => CheckResult::good(format!(
            "on; what other users do is not visible (GRANT pg_read_all_stats TO {} shows it)",
            quoted(&facts.user_name)
        )),
    }
}

/// Compares the time zone of the settings as this program and the server know it.
pub(super) async fn time_zone(pool: &PgPool, facts: &ServerFacts, config: &Config) -> Result<CheckResult> {
    let (name, zone) = (&config.time_zone, config.zone());
    let instants = instants(Timestamp::now());
    let own = instants.iter().map(|instant| offset(&zone, *instant)).collect::<Vec<_>>();
    let detail = format!("times without a zone are in {name}, the TimeZone of the database is {}", facts.time_zone);
    let update = "update the time zone data of both machines (Debian: apt-get install --only-upgrade tzdata), then \
                  restart PostgreSQL";
    Ok(match store::zone_offsets(pool, name, &instants).await? {
        None => CheckResult::bad(format!("{detail}, but the server does not know {name}"), update),
        Some(offsets) if offsets == own => {
            CheckResult::good(format!("{detail}; both know the same changes of its clocks for the next two years"))
        }
        Some(offsets) => {
            let at = offsets.iter().zip(&own).position(|(server, own)| server != own).unwrap_or_default();
            let instant = Timestamp::from_second(instants[at]).unwrap_or_default();
            CheckResult::bad(
                format!(
                    "at {instant}, {name} is {} minutes ahead of UTC for the database and {} minutes for this program",
                    offsets[at] / 60,
                    own[at] / 60
                ),
                update,
            )
        }
    })
}

/// Returns an instant in each of the next months, in seconds.
fn instants(now: Timestamp) -> Vec<i64> {
    (0..MONTHS).filter_map(|month| now.checked_add((month * 30 * 24).hours()).ok()).map(Timestamp::as_second).collect()
}

fn offset(zone: &TimeZone, instant: i64) -> i64 {
    Timestamp::from_second(instant).map_or(0, |instant| i64::from(zone.to_offset(instant).seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ServerFacts {
        ServerFacts {
            encoding: "UTF8".into(),
            database: "acted".into(),
            user_name: "service".into(),
            max_connections: 100,
            reserved: 3,
            user_limit: -1,
            database_limit: -1,
            tracks_activities: true,
            ..ServerFacts::default()
        }
    }

    #[test]
    fn deviation_of_the_server_has_its_fix() {
        let file = std::path::Path::new("config.default.toml");
        let home = |name: &str| (name == "HOME").then(|| "/home/user".to_owned());
        let config = Config::load(Some(file), home, &[]).expect("the defaults are valid");
        let connections = |facts: ServerFacts| connections(&facts, &config);
        for (result, expected) in [
            (encoding(&facts()), None),
            (encoding(&ServerFacts { encoding: "SQL_ASCII".into(), ..facts() }), Some("-E UTF8")),
            (writable(&facts()), None),
            (writable(&ServerFacts { is_standby: true, ..facts() }), Some("primary")),
            (writable(&ServerFacts { is_read_only: true, ..facts() }), Some("ALTER DATABASE \"acted\"")),
            (track_activities(&facts()), None),
            (track_activities(&ServerFacts { tracks_activities: false, ..facts() }), Some("track_activities = on")),
            (connections(facts()), None),
            (connections(ServerFacts { max_connections: 20, ..facts() }), Some("max_connections to at least 37")),
            (
                connections(ServerFacts { user_limit: 10, ..facts() }),
                Some("ALTER ROLE \"service\" CONNECTION LIMIT 24"),
            ),
            (connections(ServerFacts { database_limit: 5, ..facts() }), Some("ALTER DATABASE \"acted\"")),
        ] {
            assert_eq!(result.ok, expected.is_none(), "{result:?}");
            assert!(result.fix.unwrap_or_default().contains(expected.unwrap_or_default()), "{expected:?}");
        }
    }
}
