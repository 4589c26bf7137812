//! Connections to the server of the private cluster, its roles and its databases.
//!
//! Three roles exist. `lectern_admin` is the superuser that `initdb` created; only this module uses it. `lectern` owns the
//! database and everything in it, without being superuser. `lectern_handover` exists only while a cluster is converted that
//! an earlier version created, in which `lectern` was the superuser.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};

use super::cluster::NAME;
use crate::error::{Error, Result};

/// The superuser.
pub(super) const ADMIN: &str = "lectern_admin";
/// The superuser during the conversion of an old cluster.
const HANDOVER: &str = "lectern_handover";
/// Every role that connects.
pub(super) const ROLES: [&str; 3] = [NAME, ADMIN, HANDOVER];

/// The database that `initdb` creates.
const FIRST_DATABASE: &str = "postgres";
/// The port in the name of the socket.
pub(super) const PORT: u16 = 5432;

/// The role does not exist, or the server does not accept the user for it.
const INVALID_ROLE: &str = "28000";

const CREATE_HANDOVER: &str = "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lectern_handover') THEN
        CREATE ROLE lectern_handover SUPERUSER LOGIN;
    END IF;
END $$";

const DATABASES: &str =
    "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> 'postgres'
                         ORDER BY datname";

/// Makes `lectern` the owner of the database and of everything in it that the superuser owns, except extensions.
const GIVE_OBJECTS: &str = "DO $$
DECLARE statement text;
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO lectern', current_database());
    FOR statement IN
        WITH me AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
        own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
        member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
        SELECT format('ALTER SCHEMA %I OWNER TO lectern', n.nspname)
        FROM own JOIN pg_namespace n USING (oid) JOIN me ON me.oid = n.nspowner
        WHERE (n.tableoid, n.oid) NOT IN (SELECT * FROM member)
        UNION ALL
        SELECT format('ALTER %s %I.%I OWNER TO lectern',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                                     WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
                      own.nspname, c.relname)
        FROM pg_class c JOIN own ON own.oid = c.relnamespace JOIN me ON me.oid = c.relowner
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND (c.tableoid, c.oid) NOT IN (SELECT * FROM member)
          AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid
                                               AND d.refclassid = c.tableoid AND d.deptype IN ('a', 'i')))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO lectern', p.oid::regprocedure)
        FROM pg_proc p JOIN own ON own.oid = p.pronamespace JOIN me ON me.oid = p.proowner
        WHERE p.prokind <> 'a' AND (p.tableoid, p.oid) NOT IN (SELECT * FROM member)
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO lectern', t.oid::regtype)
        FROM pg_type t JOIN own ON own.oid = t.typnamespace JOIN me ON me.oid = t.typowner
        WHERE t.typtype IN ('d', 'e', 'r') AND (t.tableoid, t.oid) NOT IN (SELECT * FROM member)
        UNION ALL
        SELECT format('ALTER STATISTICS %I.%I OWNER TO lectern', own.nspname, s.stxname)
        FROM pg_statistic_ext s JOIN own ON own.oid = s.stxnamespace JOIN me ON me.oid = s.stxowner
        UNION ALL
        SELECT format('ALTER TEXT SEARCH CONFIGURATION %I.%I OWNER TO lectern', own.nspname, c.cfgname)
        FROM pg_ts_config c JOIN own ON own.oid = c.cfgnamespace JOIN me ON me.oid = c.cfgowner
        WHERE (c.tableoid, c.oid) NOT IN (SELECT * FROM member)
    LOOP
        EXECUTE statement;
    END LOOP;
END $$";

/// Returns the options of a connection.
pub(super) fn connect_options(sockets: &Path, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(sockets).port(PORT).username(role).database(database)
}

async fn connect(sockets: &Path, role: &str, database: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(&connect_options(sockets, role, database)).await
}

/// The answer of a server to an attempt to connect.
#[derive(Debug)]
pub(super) enum Answer {
    /// It accepts connections. Its cluster has this number.
    Accepted(Option<u64>),
    /// It starts, recovers or stops. Its own words.
    Starting(String),
    /// It accepts connections, but not this one.
    Refused(String),
    /// It does not answer.
    Silent(String),
}

/// Connects as the superuser, or as `lectern` to its database, and returns the number of the cluster.
pub(super) async fn ask(sockets: &Path, as_superuser: bool) -> Answer {
    let (role, database) = if as_superuser { (ADMIN, FIRST_DATABASE) } else { (NAME, NAME) };
    let mut connection = match connect(sockets, role, database).await {
        Ok(connection) => connection,
        Err(sqlx::Error::Database(error)) => {
            return match error.code().as_deref() {
                Some("57P03") => Answer::Starting(error.message().to_owned()),
                _ => Answer::Refused(error.message().to_owned()),
            };
        }
        Err(error) => return Answer::Silent(error.to_string()),
    };
    let number = sqlx::query_scalar("SELECT system_identifier FROM pg_control_system()");
    let number: Option<i64> = number.fetch_one(&mut connection).await.ok();
    let _ = connection.close().await;
    Answer::Accepted(number.map(i64::cast_unsigned))
}

/// Creates the roles and the database that are missing, and converts the cluster of an earlier version. Can be repeated
/// after an interruption.
///
/// # Errors
/// When the cluster is incomplete, and errors of the database.
pub(super) async fn prepare(sockets: &Path) -> Result<()> {
    let mut admin = match connect(sockets, ADMIN, FIRST_DATABASE).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INVALID_ROLE) => {
            rename_superuser(sockets).await?;
            connect(sockets, ADMIN, FIRST_DATABASE).await?
        }
        Err(sqlx::Error::Database(error)) => {
            return Err(Error::Failed(format!("the private database is incomplete: {}", error.message())));
        }
        connected => connected?,
    };
    let found = sqlx::query(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lectern') AS role,
                EXISTS (SELECT FROM pg_roles WHERE rolname = 'lectern_handover') AS handover,
                EXISTS (SELECT FROM pg_database WHERE datname = 'lectern') AS database",
    );
    let found = found.fetch_one(&mut admin).await?;
    if !found.try_get("role")? {
        sqlx::query("CREATE ROLE lectern LOGIN").execute(&mut admin).await?;
    }
    if !found.try_get("database")? {
        sqlx::query("CREATE DATABASE lectern OWNER lectern").execute(&mut admin).await?;
    }
    if found.try_get("handover")? {
        give_objects(sockets, &mut admin).await?;
        sqlx::query("DROP ROLE lectern_handover").execute(&mut admin).await?;
    }
    admin.close().await?;
    Ok(())
}

/// Renames the superuser of an old cluster, whose name was that of the application's role.
async fn rename_superuser(sockets: &Path) -> Result<()> {
    let mut old = connect(sockets, NAME, FIRST_DATABASE).await?;
    sqlx::query(CREATE_HANDOVER).execute(&mut old).await?;
    // A role cannot be renamed while it is connected.
    old.close().await?;
    let mut handover = connect(sockets, HANDOVER, FIRST_DATABASE).await?;
    let mut transaction = handover.begin().await?;
    sqlx::query("ALTER ROLE lectern RENAME TO lectern_admin").execute(&mut *transaction).await?;
    sqlx::query("CREATE ROLE lectern LOGIN").execute(&mut *transaction).await?;
    transaction.commit().await?;
    handover.close().await?;
    Ok(())
}

async fn give_objects(sockets: &Path, admin: &mut PgConnection) -> Result<()> {
    let databases: Vec<String> = sqlx::query_scalar(DATABASES).fetch_all(admin).await?;
    for database in databases {
        let mut connection = connect(sockets, ADMIN, &database).await?;
        sqlx::query(GIVE_OBJECTS).execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}
