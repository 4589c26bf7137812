//! The demo: from an empty machine to a delivered, searchable timetable with one command.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use administrate_sim::tenant::SessionState;
use administrate_sim::{Options as Simulated, Simulator, Tenant};
use jiff::civil::date;
use lectern::demo::{sample, timetable, workbook};
use lectern::embedded::{ClusterOptions, Embedded};
use serde_json::Value;
use sqlx::PgPool;

use crate::fixtures::test_db::TestDb;

/// A real provider's workbook outside the repository. Tests that need it report when it is missing.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/timetable-sample.xlsx");

/// The data folder of a demo.
struct DemoFixture {
    folder: tempfile::TempDir,
}

/// Exit code and output of a demo.
struct DemoResult {
    code: Option<i32>,
    document: Value,
    stderr: String,
}

impl DemoFixture {
    fn new() -> DemoFixture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // As root, the database runs as another user, who needs access.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("ours");
        DemoFixture { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the program with the address of an Administrate that must not be used.
    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.path());
        command.env("LECTERN_DATA_DIR", self.path()).current_dir(self.path()).stdin(Stdio::null());
        for name in ["ADMINISTRATE_API_URL", "ADMINISTRATE_AUTH_URL", "ADMINISTRATE_INSTANCE_URL"] {
            command.env(name, "http://127.0.0.1:9/");
        }
        command.env("ADMINISTRATE_CLIENT_ID", "somebody").env("ADMINISTRATE_CLIENT_SECRET", "else");
        command
    }

    fn demo(&self, arguments: &[&str], database: Option<&str>) -> DemoResult {
        let mut command = self.program();
        command.envs(database.map(|url| ("DATABASE_URL", url)));
        let result = command.args(["demo", "--once", "--json"]).args(arguments).output().expect("the program runs");
        let stderr = String::from_utf8(result.stderr).expect("text");
        let document = serde_json::from_slice(&result.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        DemoResult { code: result.status.code(), document, stderr }
    }

    /// Returns the stored state of the simulator.
    async fn tenant(&self) -> Tenant {
        let options = Simulated { state: Some(self.path().join("administrate.json")), ..Simulated::default() };
        let running = Simulator::start(options, Tenant::new()).await.expect("its state");
        let tenant = running.tenant();
        running.stop().await;
        tenant
    }
}

/// Returns each local table with a digest of its rows, except stored runs and request counters.
async fn contents(pool: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('acted', 'adm', 'lectern', 'public')
         AND tablename NOT IN ('runs', 'import_rows', 'api_audit_log', 'request_allowance') ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .expect("tables");
    let mut contents = Vec::new();
    for table in tables {
        let digest = format!("SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} AS t");
        let digest = sqlx::query_scalar(sqlx::AssertSqlSafe(digest)).fetch_one(pool).await.expect("read");
        contents.push((table, digest));
    }
    contents
}

fn assert_all_new(result: &DemoResult, events: i64, sessions: i64) {
    assert_eq!(result.code, Some(0), "{}", result.stderr);
    let (sync, import) = (&result.document["sync"], &result.document["import"]);
    assert_eq!((&sync["succeeded"], &sync["failed"]), (&7.into(), &0.into()), "{sync}");
    let counts = &import["counts"];
    assert_eq!((&counts["events"], &counts["sessions"]), (&events.into(), &sessions.into()), "{import}");
    assert_eq!(counts["created"], events, "{import}");
    assert_eq!(import["delivery"]["delivered"], events, "{import}");
    assert_eq!(import["problems"], serde_json::json!([]));
    assert!(result.document["search"]["products"].as_array().is_some_and(|found| !found.is_empty()));
}

fn assert_nothing_new(result: &DemoResult, events: i64) {
    assert_eq!(result.code, Some(0), "{}", result.stderr);
    for report in result.document["sync"]["reports"].as_array().expect("seven reports") {
        let counts = &report["counts"];
        for what in ["created", "updated", "pruned", "errors"] {
            assert_eq!(counts[what], 0, "{report}");
        }
    }
    let import = &result.document["import"];
    assert_eq!(import["counts"]["unchanged"], events, "{import}");
    assert_eq!(import["delivery"]["delivered"], 0, "{import}");
    assert_eq!(import["problems"], serde_json::json!([]));
}

/// Asserts that both sides have this many events and sessions, all linked.
async fn assert_both_sides(pool: &PgPool, tenant: &Tenant, events: usize, sessions: usize) {
    let (events, sessions) = (events as i64, sessions as i64);
    let local: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM acted.tutorial_events), (SELECT count(*) FROM acted.tutorial_sessions),
                (SELECT count(*) FROM adm.events WHERE external_id IS NOT NULL),
                (SELECT count(*) FROM adm.sessions WHERE external_id IS NOT NULL)",
    )
    .fetch_one(pool)
    .await
    .expect("counted");
    assert_eq!(local, (events, sessions, events, sessions));
    let remote = tenant.sessions.values().filter(|session| session.state != SessionState::Cancelled);
    assert_eq!((tenant.events.len() as i64, remote.count() as i64), (events, sessions));
}

#[tokio::test]
async fn demo_run_twice_delivers_the_sample_once() {
    let fixture = DemoFixture::new();
    let first = fixture.demo(&[], None);
    assert_all_new(&first, 348, 1288);
    assert_eq!(first.document["url"], Value::Null);
    let timetable = std::fs::read(fixture.path().join("timetable.xlsx")).expect("the timetable");
    let options = ClusterOptions { data_dir: fixture.path().to_owned(), bin: PathBuf::new(), durable: true };
    let (before, tenant) = {
        let postgres = Embedded::start(&options).await.expect("its database");
        let pool = PgPool::connect(&postgres.url()).await.expect("its database");
        let tenant = fixture.tenant().await;
        assert_both_sides(&pool, &tenant, 348, 1288).await;
        let before = contents(&pool).await;
        pool.close().await;
        postgres.stop().await;
        (before, tenant)
    };
    let second = fixture.demo(&[], None);
    assert_nothing_new(&second, 348);
    assert!(timetable == std::fs::read(fixture.path().join("timetable.xlsx")).expect("the timetable"));
    let postgres = Embedded::start(&options).await.expect("its database");
    let pool = PgPool::connect(&postgres.url()).await.expect("its database");
    assert_eq!(contents(&pool).await, before);
    assert!(fixture.tenant().await == tenant, "nothing was written to Administrate");
    pool.close().await;
    postgres.stop().await;
}

#[tokio::test]
async fn demo_with_a_real_workbook_delivers_it_once() {
    if !Path::new(SAMPLE).exists() {
        eprintln!("{SAMPLE} is missing: the demo with it was not tested");
        return;
    }
    let (fixture, db) = (DemoFixture::new(), TestDb::empty().await);
    let first = fixture.demo(&["--workbook", SAMPLE], Some(&db.url));
    assert_all_new(&first, 41, 156);
    let tenant = fixture.tenant().await;
    assert_both_sides(&db.pool, &tenant, 41, 156).await;
    let before = contents(&db.pool).await;
    assert_nothing_new(&fixture.demo(&["--workbook", SAMPLE], Some(&db.url)), 41);
    assert_eq!(contents(&db.pool).await, before);
    assert!(fixture.tenant().await == tenant, "nothing was written to Administrate");

    let other = fixture.demo(&[], Some(&db.url));
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("this data folder contains the demo of another timetable"), "{}", other.stderr);
    let elsewhere = DemoFixture::new().demo(&["--workbook", SAMPLE], Some(&db.url));
    assert_eq!(elsewhere.code, Some(1));
    assert!(elsewhere.stderr.contains("in another data folder filled this database"), "{}", elsewhere.stderr);
}

#[tokio::test]
async fn demo_on_a_foreign_database_is_rejected_without_changes() {
    let foreign = TestDb::empty().await;
    sqlx::query("CREATE TABLE customers ()").execute(&foreign.pool).await.expect("a table");
    let used = TestDb::new().await;
    sqlx::query("INSERT INTO acted.catalog_subjects (code) VALUES ('CM2')").execute(&used.pool).await.expect("a row");
    for (db, table) in [(&foreign, "public.customers"), (&used, "acted.catalog_subjects")] {
        let before = contents(&db.pool).await;
        let fixture = DemoFixture::new();
        let result = fixture.demo(&[], Some(&db.url));
        assert_eq!(result.code, Some(1), "{}", result.stderr);
        assert!(
            result.stderr.contains(&format!("does not belong to a demo (it contains {table})")),
            "{}",
            result.stderr
        );
        assert_eq!(contents(&db.pool).await, before);
        assert!(!fixture.path().join("demo.json").exists());
    }
}

#[test]
fn demo_with_an_unreadable_workbook_creates_nothing() {
    let fixture = DemoFixture::new();
    let file = fixture.path().join("notes.xlsx");
    std::fs::write(&file, "no workbook").expect("written");
    for (name, stderr) in [("notes.xlsx", "unreadable_file"), ("missing.xlsx", "unreadable_file")] {
        let result = fixture.demo(&["--workbook", name], None);
        assert_eq!(result.code, Some(1), "{}", result.stderr);
        assert_eq!(result.document["import"]["problems"][0]["code"], stderr, "{}", result.document);
    }
    let left: Vec<_> =
        std::fs::read_dir(fixture.path()).expect("ours").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["notes.xlsx"]);
}

/// Writes a timetable of one event.
fn small_workbook(folder: &Path) -> PathBuf {
    workbook_of(folder, "one.xlsx", None)
}

/// Writes a timetable of one event, under another title if one is given.
fn workbook_of(folder: &Path, name: &str, title: Option<&str>) -> PathBuf {
    let today = date(2031, 3, 5);
    let provider = sample::provider(today);
    let mut one: Vec<_> = timetable::timetable(&provider, today).into_iter().take(1).collect();
    if let Some(title) = title {
        one[0].title = title.to_owned();
    }
    let path = folder.join(name);
    std::fs::write(&path, workbook::write(&one, today).expect("a workbook")).expect("written");
    path
}

/// Returns the answer to a GET request.
fn get(url: &str) -> String {
    let place = url.trim_start_matches("http://").trim_end_matches('/');
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let mut visit = TcpStream::connect(host).expect("a server");
    write!(visit, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("requested");
    let mut answer = String::new();
    visit.read_to_string(&mut answer).expect("answered");
    answer
}

/// A demo that serves until it is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn first_document(child: &mut Child) -> Value {
    let output = child.stdout.take().expect("piped");
    let mut documents = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
    documents.next().expect("a document").expect("JSON")
}

/// A queued import is delivered by the demo itself, and the page of its simulator shows the event.
#[test]
fn demo_delivers_in_the_background_and_shows_what_arrived() {
    let fixture = DemoFixture::new();
    let mut program = fixture.program();
    program.env("LECTERN_BIND", "127.0.0.1:0").arg("demo").arg("--workbook").arg(small_workbook(fixture.path()));
    let program = program.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut serving = Serving(program);
    let mut exports = Vec::new();
    let mut page = String::new();
    let mut lines = BufReader::new(serving.0.stderr.take().expect("piped")).lines();
    for line in lines.by_ref() {
        let line = line.expect("text");
        if let Some((name, value)) = line.trim().strip_prefix("export ").and_then(|export| export.split_once('=')) {
            exports.push((name.to_owned(), value.trim_matches('\'').to_owned()));
        } else if line.contains("simulator of Administrate") && line.starts_with("Open ") {
            page = line.split(' ').nth(1).expect("an address").to_owned();
        } else if line.trim() == "lectern sync all" {
            break;
        }
    }
    assert!(get(&page).contains("<b>1</b>events"), "{}", get(&page));
    let other = workbook_of(fixture.path(), "other.xlsx", Some("A&B"));
    let mut import = fixture.program();
    import.envs(exports).args(["import", "--json", "--deliver", "queue"]).arg(other);
    let import = import.output().expect("the program runs");
    let import: Value = serde_json::from_slice(&import.stdout).expect("JSON");
    assert_eq!(import["delivery"]["pending"], 1, "{import}");
    let shown = "A&amp;B";
    let deadline = Instant::now() + Duration::from_secs(60);
    while !get(&page).contains(shown) {
        assert!(Instant::now() < deadline, "the event never arrived: {}", get(&page));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(get(&page).contains("<b>2</b>events"));
    drop(lines);
}

#[test]
fn demo_server_uses_the_next_free_port_until_stopped() {
    let fixture = DemoFixture::new();
    let timetable = small_workbook(fixture.path());
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = (taken.local_addr().expect("an address").to_string(), taken);
    let mut serving = fixture.program();
    serving.env("LECTERN_BIND", &taken.0).args(["demo", "--json", "--workbook"]).arg(&timetable);
    let serving = serving.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut serving = Serving(serving);
    let url = first_document(&mut serving.0)["url"].as_str().expect("an address").to_owned();
    assert_ne!(url, format!("http://{}/", taken.0));

    let second = fixture.program().args(["demo", "--json"]).output().expect("the program runs");
    assert_eq!(second.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<Value>(&second.stdout).expect("JSON")["url"], url);
    assert!(String::from_utf8_lossy(&second.stderr).contains(&url));
    let second_demo = fixture.demo(&[], None);
    assert_eq!(second_demo.code, Some(1));
    assert!(second_demo.stderr.contains(&url), "{}", second_demo.stderr);

    let answer = get(&format!("{url}livez"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let pid = nix::unistd::Pid::from_raw(serving.0.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    let result = serving.0.wait().expect("it ended");
    let mut stderr = String::new();
    serving.0.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(result.code(), Some(0), "{stderr}");
    for line in ["export DATABASE_URL='postgresql://", "export ADMINISTRATE_API_URL='http://127.0.0.1:"] {
        assert!(stderr.contains(line), "{stderr}");
    }
}
