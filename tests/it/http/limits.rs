//! Clients that are slow, silent or numerous, over raw sockets.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lectern::identity::Role;
use lectern::serve::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixtures::site::{Site, problem, token};
use crate::fixtures::test_db::TestDb;

/// Longest wait for what must happen soon.
const PATIENCE: Duration = Duration::from_secs(60);

const IDLE: Duration = Duration::from_secs(3);

async fn limited_site(db: &TestDb) -> Site {
    Site::serve_limited(db, &db.config(&[]), Limits { idle: IDLE, ..Limits::default() }).await
}

async fn connect(site: &Site, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&site.address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
}

fn upload_head(token: &str, length: usize) -> String {
    format!(
        "POST /api/imports HTTP/1.1\r\nHost: lectern\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\
         Content-Type: multipart/form-data; boundary=cut\r\n\r\n"
    )
}

const PART: &str = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"\r\n\r\n";

/// Returns the status line of a response.
async fn status_line(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    // The server closes the connection while the client still sends, which may be an error after the response.
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&received).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_does_not_read_is_disconnected() {
    let db = TestDb::new().await;
    let site = limited_site(&db).await;
    let secret = token(&db, Role::Reader).await;
    // Larger than the buffers of both sockets.
    sqlx::query(
        "INSERT INTO lectern.runs (kind, subject, finished_at, exit_code, document)
         VALUES ('import', 't.xlsx', now(), 0, jsonb_build_object('text', repeat('x', 16000000)))",
    )
    .execute(&db.pool)
    .await
    .expect("a run");
    let head = format!("GET /api/imports/1 HTTP/1.1\r\nHost: lectern\r\nAuthorization: Bearer {secret}\r\n\r\n");
    let mut stream = connect(&site, &head).await;
    let closed = async {
        // The server reads nothing more. When it has closed the connection, writing fails.
        while stream.write_all(&[b'\n'; 64 * 1024]).await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the connection is closed");
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    assert!(received.len() < 16_000_000, "the whole response was sent");
    let whole = site.request("GET", "/api/imports/1").bearer_auth(&secret).send().await.expect("an answer");
    assert!(whole.bytes().await.expect("a body").len() > 16_000_000, "a client that reads gets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_may_be_slow_but_not_stall() {
    let db = TestDb::new().await;
    let site = limited_site(&db).await;
    let secret = token(&db, Role::Operator).await;
    let content = "x".repeat(64 * 1024);
    let form = format!("{PART}{content}\r\n--cut--\r\n");
    let mut steady = connect(&site, &upload_head(&secret, form.len())).await;
    let mut stalled = connect(&site, &upload_head(&secret, form.len())).await;
    stalled.write_all(&form.as_bytes()[..20_000]).await.expect("sent");
    // Single bytes are no progress.
    let mut dripping = connect(&site, &upload_head(&secret, form.len())).await;
    let steady = async {
        for piece in form.as_bytes().chunks(form.len() / 8 + 1) {
            steady.write_all(piece).await.expect("sent");
            tokio::time::sleep(IDLE / 6).await;
        }
        let mut answer = [0; 12];
        steady.read_exact(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    let dripping = async {
        while dripping.write_all(b"-").await.is_ok() {
            tokio::time::sleep(IDLE / 30).await;
        }
    };
    let (steady, stalled, dripped) =
        tokio::join!(steady, status_line(&mut stalled), tokio::time::timeout(PATIENCE, dripping));
    assert_eq!(steady, "HTTP/1.1 202", "it took longer than the idle time in all");
    assert!(stalled.starts_with("HTTP/1.1 408"), "{stalled}");
    dripped.expect("the connection is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_header_of_a_part_is_refused() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let secret = token(&db, Role::Operator).await;
    let headers =
        |name: &str| format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n");
    let after_file = format!("{PART}x\r\n--cut\r\nX: {}", "y".repeat(5_000_000));
    for form in [
        format!("{}X: {}", headers("t.xlsx"), "y".repeat(5_000_000)),
        headers(&"y".repeat(5_000_000)),
        "y".repeat(5_000_000),
        after_file,
    ] {
        let request = site.request("POST", "/api/imports").bearer_auth(&secret);
        let request = request.header("content-type", "multipart/form-data; boundary=cut").body(form);
        let (status, document) = problem(request.send().await.expect("an answer")).await;
        assert_eq!(status, 400);
        assert!(document["detail"].as_str().is_some_and(|detail| detail.contains("too long")), "{document}");
    }
    let uploads = std::fs::read_dir(db.folder().join("uploads")).expect("a folder");
    assert_eq!(uploads.count(), 0, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_a_request_are_counted_but_not_all_listed() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let filters: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("f{n}"), json!(["x"]))).collect();
    let values = vec![json!({}); 500];
    let nested = format!("{{\"{}\": [{}\"\"]}}", "k".repeat(100_000), "\"\\u0000\",".repeat(20_000));
    let secret = token(&db, Role::Operator).await;
    for (path, body, more) in [
        ("/api/search/unified", json!({ "filters": filters }).to_string(), 4980),
        ("/api/search/unified", json!({ "filters": { "venues": values } }).to_string(), 480),
        ("/api/syncs", nested, 19_980),
    ] {
        let request = site.request("POST", path).bearer_auth(&secret).header("content-type", "application/json");
        let response = request.body(body).send().await.expect("an answer");
        let text = response.text().await.expect("text");
        assert!(text.len() < 40_000, "{} bytes", text.len());
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((document["errors"].as_array().map(Vec::len), &document["more_errors"]), (Some(20), &json!(more)));
    }
    let many: String = (0..300).map(|n| format!("&p{n}=1")).collect();
    let response = site.request("GET", &format!("/api/search/unified?{many}")).send().await.expect("an answer");
    let (_, document) = problem(response).await;
    assert_eq!((document["errors"].as_array().map(Vec::len), &document["more_errors"]), (Some(20), &json!(280)));
}

/// `lectern serve` with a limit of open files.
struct LimitedProcess(Child);

impl LimitedProcess {
    /// Starts the server; returns its address, too.
    fn start(db: &TestDb, files: usize) -> (LimitedProcess, String) {
        let program = db.program(&["serve", "--no-worker", "--bind", "127.0.0.1:0"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(program.get_program());
        command.args(program.get_args()).env_clear().current_dir(db.folder()).stderr(Stdio::piped());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut process = LimitedProcess(command.spawn().expect("it starts"));
        let stderr = BufReader::new(process.0.stderr.take().expect("piped"));
        let mut lines = stderr.lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once("http://").map(|(_, address)| address.to_owned()));
        let address = address.expect("an address").trim_end_matches('/').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        (process, address)
    }

    /// Returns the peak memory in bytes.
    fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system tells the peak");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for LimitedProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_half_open_connections_than_files_do_not_stop_the_server() {
    const FILES: usize = 200;
    let db = TestDb::new().await;
    let (_process, address) = LimitedProcess::start(&db, FILES);
    let mut half_open = Vec::new();
    for _ in 0..FILES + 100 {
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        // An evicted connection is closed while this is sent.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: lectern\r\n").await;
        half_open.push(stream);
    }
    for path in ["/livez", "/readyz", "/api/search/unified?q=cm2"] {
        let response = tokio::time::timeout(PATIENCE, reqwest::get(format!("http://{address}{path}"))).await;
        assert_eq!(response.expect("in time").expect("an answer").status(), 200, "{path}");
    }
    // The youngest is still served.
    let mut youngest = half_open.pop().expect("a connection");
    youngest.write_all(b"Connection: close\r\n\r\n").await.expect("sent");
    assert!(status_line(&mut youngest).await.starts_with("HTTP/1.1 200"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn list_of_runs_does_not_load_their_documents() {
    const DOCUMENT: u64 = 16_000_000;
    let db = TestDb::new().await;
    let secret = token(&db, Role::Reader).await;
    sqlx::query(
        "INSERT INTO lectern.runs (kind, subject, finished_at, exit_code, document)
         SELECT 'import', 't.xlsx', now(), 0,
                jsonb_build_object('counts', jsonb_build_object('events', 7), 'text', repeat('x', $1::int))
         FROM generate_series(1, 5)",
    )
    .bind(i64::try_from(DOCUMENT).expect("small"))
    .execute(&db.pool)
    .await
    .expect("runs");
    let (process, address) = LimitedProcess::start(&db, 1_024);
    let list = async || {
        let request = reqwest::Client::new().get(format!("http://{address}/api/imports")).bearer_auth(&secret);
        request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
    };
    let empty = reqwest::get(format!("http://{address}/readyz")).await.expect("an answer");
    assert_eq!(empty.status(), 200);
    let before = process.peak_memory();
    let listed = list().await;
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(5), "{listed}");
    assert_eq!(listed["results"][0]["counts"]["events"], 7);
    let growth = process.peak_memory() - before;
    assert!(growth < DOCUMENT, "{growth} bytes for a list of 5 documents of {DOCUMENT}");
}
