//! The server's process: its environment and rights, and its return after any end.

use std::path::PathBuf;

use lectern::embedded::{ClusterOptions, Embedded};
use nix::sys::signal::Signal;
use sqlx::{Connection, Executor, PgConnection};

use super::{DataFolder, stderr, terminate, wait_for};

async fn as_role(folder: &DataFolder, role: &str) -> PgConnection {
    PgConnection::connect(&folder.url(role)).await.expect("the database")
}

#[tokio::test]
async fn server_has_neither_our_secrets_nor_our_terminal_nor_a_superuser_for_commands() {
    let folder = DataFolder::filled();
    let serving = folder.serve();
    serving.wait_until_ready().await;
    let server = folder.server().expect("it runs");
    #[cfg(target_os = "linux")]
    {
        let environment = std::fs::read(format!("/proc/{server}/environ")).expect("its environment");
        let environment = String::from_utf8_lossy(&environment);
        let names: Vec<&str> = environment.split('\0').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        assert!(names.iter().all(|name| ["PATH", "LC_ALL", "TZ"].contains(name)), "{names:?}");
    }
    let session = nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(server))).expect("its session");
    assert_eq!(session.as_raw(), server, "Ctrl-C at our terminal does not reach it");
    let mut database = as_role(&folder, "lectern").await;
    let is_superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut database)
        .await
        .expect("the role");
    assert!(!is_superuser);
    for statement in
        ["COPY (SELECT 1) TO PROGRAM 'true'", "SET ROLE lectern_admin", "SELECT pg_read_file('PG_VERSION')"]
    {
        assert!(database.execute(statement).await.is_err(), "{statement}");
    }
    database.execute("CREATE EXTENSION pg_trgm").await.expect("what migrations need");
}

#[tokio::test]
async fn serve_creates_and_migrates_its_own_database() {
    let folder = DataFolder::absent();
    let serving = folder.serve();
    serving.wait_until_ready().await;
    let output = folder.lectern(&["migrate", "status", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((output.status.code(), &document["pending"]), (Some(0), &serde_json::json!(0)), "{document}");
}

#[tokio::test]
async fn service_returns_after_its_postgresql_was_killed() {
    let folder = DataFolder::filled();
    let serving = folder.serve();
    serving.wait_until_ready().await;
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let server = folder.server().expect("it runs");
        terminate(server, signal);
        let next = wait_for("another server", || folder.server().filter(|pid| *pid != server));
        serving.wait_until_ready().await;
        assert_eq!(folder.server(), Some(next));
        folder.assert_token_exists();
    }
}

#[tokio::test]
async fn service_starts_the_database_again_whose_command_was_killed() {
    let folder = DataFolder::filled();
    let mut owner = folder.serve();
    owner.wait_until_ready().await;
    let server = folder.server().expect("it runs");
    let serving = folder.serve();
    serving.wait_until_ready().await;
    assert_eq!(folder.server(), Some(server), "both use one server");
    owner.kill();
    wait_for("another server", || folder.server().filter(|pid| *pid != server));
    serving.wait_until_ready().await;
    folder.assert_token_exists();
}

#[tokio::test]
async fn cluster_of_an_earlier_version_is_converted() {
    let folder = DataFolder::filled();
    let options = ClusterOptions { data_dir: folder.path(), bin: PathBuf::new(), durable: false };
    let running = Embedded::start(&options).await.expect("the database");
    let mut admin = as_role(&folder, "lectern_admin").await;
    for statement in [
        "ALTER DATABASE lectern OWNER TO lectern_admin",
        "REASSIGN OWNED BY lectern TO lectern_admin",
        "CREATE TABLE acted.of_an_earlier_version (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY)",
        "DROP ROLE lectern",
        "CREATE ROLE lectern_handover SUPERUSER LOGIN",
    ] {
        admin.execute(statement).await.expect(statement);
    }
    admin.close().await.expect("closed");
    let mut other = as_role(&folder, "lectern_handover").await;
    other.execute("ALTER ROLE lectern_admin RENAME TO lectern").await.expect("renamed");
    other.close().await.expect("closed");
    let mut old = as_role(&folder, "lectern").await;
    old.execute("DROP ROLE lectern_handover").await.expect("dropped");
    old.close().await.expect("closed");
    running.stop().await;

    folder.assert_token_exists();
    let running = Embedded::start(&options).await.expect("the database");
    let mut database = as_role(&folder, "lectern").await;
    let others: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE oid >= 16384 AND relowner <> 'lectern'::regrole AND relkind <> 't'
         UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname IN ('lectern', 'lectern_handover') AND rolsuper
         UNION ALL SELECT proname::text FROM pg_proc WHERE oid >= 16384 AND proowner <> 'lectern'::regrole",
    )
    .fetch_all(&mut database)
    .await
    .expect("the catalogue");
    assert_eq!(others, [""; 0], "everything belongs to the role of the commands");
    database.execute("ALTER TABLE acted.of_an_earlier_version ADD note text").await.expect("its owner may");
    database.close().await.expect("closed");
    running.stop().await;
    folder.assert_token_exists();
}

#[test]
fn wrong_usage_starts_no_database() {
    for arguments in [
        &["token", "create", "--name", "", "--role", "reader"][..],
        &["token", "create", "--name", "x", "--role", "tutor"],
        &["sync", "all", "--pick"],
        &["sync", "locations", "--skip-errors"],
        &["sync", "events", "--create-local"],
    ] {
        let folder = DataFolder::absent();
        let output = folder.lectern(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(!folder.path().exists(), "{arguments:?}");
    }
}

#[test]
fn unreachable_database_is_named_without_its_password() {
    let folder = DataFolder::absent();
    let output = folder.lectern(&["token", "list", "--database-url", "postgres://u:s3cret@127.0.0.1:1/acted"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("127.0.0.1:1, database acted: connection refused"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
}
