//! The program or PostgreSQL is killed: each step is done or not, and the next application ends like an undisturbed one.

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::round_trip::{other_shape, without_what_lectern_made};
use super::{IS_GONE, WAITS, difference, in_parallel, last_sql_step, migrate, until};
use crate::fixtures::legacy::{Contents, Legacy, LivingDb, Naming, Placement, SEVEN, State, fingerprint};
use crate::fixtures::test_db::TestDb;

fn sample() -> Legacy {
    Legacy::new(State::February6, Placement::Mixed, Naming::Living)
}

/// Returns the fingerprint with the same roles for every database, without the owner of schema public.
async fn objects(living: &LivingDb) -> Vec<String> {
    let roles = &living.roles;
    let plain = |line: &String| {
        [(&roles.owner, "owner"), (&roles.reader, "reader"), (&roles.shop, "shop")]
            .into_iter()
            .fold(line.clone(), |line, (role, plain)| line.replace(role, plain))
    };
    let lines = fingerprint(&living.db.pool).await;
    let mut lines: Vec<String> = lines.iter().filter(|line| !line.starts_with("schema public")).map(plain).collect();
    lines.sort();
    lines
}

async fn undisturbed() -> Vec<String> {
    let living = sample().build().await;
    let (exit, _, messages) = migrate(&living, &["apply", "--compat-views"]);
    assert_eq!(exit, Some(0), "{messages}");
    objects(&living).await
}

fn start(living: &LivingDb) -> Child {
    let mut command = living.db.program(&["migrate", "apply", "--compat-views", "--to", &last_sql_step()]);
    command.env("DATABASE_URL", living.owner_url()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("started")
}

/// Checks that each table is where it was or where it should be, then applies again and undoes everything.
async fn recover(living: &LivingDb, before: &[String], contents: &Contents, undisturbed: &[String], context: &str) {
    until(living, IS_GONE).await;
    let mut placed: Vec<bool> = Vec::new();
    for table in SEVEN {
        let (schema, name) = sample().place(table);
        let oid = |schema: &str, name: &str| {
            format!(
                "SELECT to_regclass('{schema}.\"{name}\"') IS NOT NULL AND
            (SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('{schema}.\"{name}\"'))"
            )
        };
        let exists = async |sql: String| -> bool {
            let exists: Option<bool> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&living.db.pool).await.expect("readable");
            exists.unwrap_or(false)
        };
        let (old, new) = (exists(oid(schema, &name)).await, exists(oid("adm", table)).await);
        assert!(if (schema, name.as_str()) == ("adm", table) { new } else { old != new }, "{context}: {table}");
        if schema == "public" {
            placed.push(new);
        }
    }
    assert!(placed.iter().all(|place| *place == placed[0]), "{context}: all tables are moved, or none: {placed:?}");
    let (exit, _, messages) = migrate(living, &["apply", "--compat-views"]);
    assert_eq!(exit, Some(0), "{context}: {messages}");
    let (exit, _, messages) = migrate(living, &["verify"]);
    assert_eq!(exit, Some(0), "{context}: {messages}");
    let changed = difference(undisturbed, &objects(living).await);
    assert!(changed.is_empty(), "{context}:\n{changed}");
    assert_eq!(other_shape(&living.db.pool).await, "", "{context}");
    for name in ["adm-schema", "adopt"] {
        let (exit, _, messages) = migrate(living, &["undo", name]);
        assert_eq!(exit, Some(0), "{context}: {messages}");
    }
    let changed = without_what_lectern_made(before, &fingerprint(&living.db.pool).await);
    assert!(changed.is_empty(), "{context}\n{changed}");
    assert_eq!(contents.differences(&contents.read_again(&living.db.pool).await), [""; 0], "{context}");
}

/// What another program holds while the adoption waits for it, at the edge of each step.
const LOCKED: [(&str, &str); 6] = [
    ("hashing", "LOCK TABLE public.\"adm.course_templates\" IN ACCESS EXCLUSIVE MODE"),
    ("moving", "LOCK TABLE public.\"adm.locations\" IN SHARE MODE"),
    ("adopting", "LOCK TABLE acted.products IN ACCESS SHARE MODE"),
    ("indexing", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class"),
    ("the schema", "CREATE SCHEMA lectern"),
    ("django", "LOCK TABLE public.auth_user IN ROW EXCLUSIVE MODE"),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_program_leaves_the_old_or_the_new_state() {
    let undisturbed = &undisturbed().await;
    in_parallel(LOCKED.to_vec(), async |(step, lock)| {
        let living = sample().build().await;
        let (before, contents) = (fingerprint(&living.db.pool).await, Contents::read(&living.db.pool).await);
        let mut other = living.db.pool.begin().await.expect("begun");
        sqlx::raw_sql(lock).execute(&mut *other).await.expect("locked");
        let mut program = start(&living);
        until(&living, WAITS).await;
        program.kill().expect("killed");
        program.wait().expect("ended");
        other.rollback().await.expect("released");
        recover(&living, &before, &contents, undisturbed, step).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long"]
async fn long_program_is_killed_at_any_moment() {
    let undisturbed = &undisturbed().await;
    in_parallel((0..40_u64).map(|n| n * 60).collect(), async |milliseconds| {
        let living = sample().build().await;
        let (before, contents) = (fingerprint(&living.db.pool).await, Contents::read(&living.db.pool).await);
        let mut program = start(&living);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        program.kill().expect("killed");
        program.wait().expect("ended");
        recover(&living, &before, &contents, undisturbed, &format!("{milliseconds} ms")).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_postgres_leaves_the_old_or_the_new_state() {
    let undisturbed = undisturbed().await;
    let db = TestDb::private().await;
    let admin = db.url.replace("postgresql://lectern@", "postgresql://lectern_admin@");
    let mut admin = PgConnection::connect(&admin).await.expect("connected");
    let sql = "ALTER ROLE lectern SUPERUSER; DROP SCHEMA lectern, acted, adm, public CASCADE; CREATE SCHEMA public;
               GRANT ALL ON SCHEMA public TO PUBLIC";
    sqlx::raw_sql(sql).execute(&mut admin).await.expect("emptied");
    admin.close().await.expect("closed");
    let living = sample().build_in(db).await;
    let (before, contents) = (fingerprint(&living.db.pool).await, Contents::read(&living.db.pool).await);
    let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&living.db.pool).await.expect("a folder");
    let server = std::fs::read_to_string(format!("{folder}/postmaster.pid")).expect("readable");
    let server: i32 = server.lines().next().expect("a line").parse().expect("a number");
    let options: PgConnectOptions = living.db.url.parse().expect("a URL");
    let mut other = PgConnection::connect_with(&options).await.expect("connected");
    sqlx::raw_sql("BEGIN; LOCK TABLE acted.products IN ACCESS SHARE MODE").execute(&mut other).await.expect("locked");
    let mut program = start(&living);
    until(&living, WAITS).await;
    // As `pg_ctl stop -m immediate` does it. The supervisor starts the server again.
    kill(Pid::from_raw(server), Signal::SIGQUIT).expect("signalled");
    drop(other);
    assert_ne!(program.wait().expect("ended").code(), Some(0));
    recover(&living, &before, &contents, &undisturbed, "PostgreSQL stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_undo_checks_the_foreign_keys_that_an_interrupted_one_has_restored() {
    let living = sample().build().await;
    let before = fingerprint(&living.db.pool).await;
    assert_eq!(migrate(&living, &["apply"]).0, Some(0));
    let admin = living.db.url.replace("postgresql://lectern@", "postgresql://lectern_admin@");
    let mut admin = PgConnection::connect(&admin).await.expect("connected");
    let sql = "CREATE FUNCTION public.interrupt() RETURNS event_trigger LANGUAGE plpgsql AS
               $$ BEGIN IF current_query() LIKE '%VALIDATE%' THEN RAISE 'not today'; END IF; END $$;
               CREATE EVENT TRIGGER interrupt ON ddl_command_start EXECUTE FUNCTION public.interrupt()";
    sqlx::raw_sql(sql).execute(&mut admin).await.expect("made");
    let (exit, _, messages) = migrate(&living, &["undo", "adopt"]);
    assert_eq!(exit, Some(1), "{messages}");
    assert!(messages.contains("a trigger of the database refused the change: not today"), "{messages}");
    let sql = "DROP EVENT TRIGGER interrupt; DROP FUNCTION public.interrupt";
    sqlx::raw_sql(sql).execute(&mut admin).await.expect("dropped");
    admin.close().await.expect("closed");
    let unchecked = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated";
    let count: i64 = sqlx::query_scalar(unchecked).fetch_one(&living.db.pool).await.expect("a number");
    assert!(count > 0, "the undo was interrupted before it checked a foreign key");
    for name in ["adopt", "adm-schema"] {
        let (exit, _, messages) = migrate(&living, &["undo", name]);
        assert_eq!(exit, Some(0), "{messages}");
    }
    let changed = without_what_lectern_made(&before, &fingerprint(&living.db.pool).await);
    assert!(changed.is_empty(), "{changed}");
}
