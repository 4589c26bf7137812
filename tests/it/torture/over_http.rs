//! Imports that are requested over HTTP: one is cancelled, the PostgreSQL of the other is killed.

use std::time::Duration;

use lectern::identity::{self, NewToken, Role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::{FaultRun, PENDING, terminate};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The longest time until the service has returned, the run has ended, or everything was delivered.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An import that was requested from a server.
struct RequestedImport {
    server: Child,
    client: Client,
    address: String,
    token: String,
    /// The path of the run.
    run: String,
}

impl FaultRun {
    /// Requests the import from a new server and cancels it when `at` requests have arrived in Administrate.
    pub(super) async fn cancel_over_http(&mut self, at: u64) -> Option<i32> {
        let token = self.operator_token().await;
        let mut import = self.request_import(token).await;
        self.wait_until_arrived(at, &import).await;
        // Status 409 means that the run has ended.
        import.request("DELETE", &import.run).send().await.expect("an answer");
        import.exit_code().await;
        import.stop().await;
        None
    }

    /// Requests the import from a new server with a private PostgreSQL, and kills that some time after `at` requests have
    /// arrived in Administrate. Returns the exit code of the run; none if the service does not return by itself.
    pub(super) async fn kill_postgres(&mut self, at: u64, delay: Duration) -> Option<i32> {
        let token = self.operator_token().await;
        self.fixture.db.stop_private().await;
        let mut import = self.request_import(token).await;
        self.wait_until_arrived(at, &import).await;
        sleep(delay).await;
        kill(self.postgres(), Signal::SIGKILL).expect("it runs");
        let mut exit_code = None;
        if import.is_ready().await {
            exit_code = import.exit_code().await;
            self.wait_until_delivered().await;
        }
        // The server waits for connected clients before it ends.
        self.fixture.db.disconnect().await;
        import.stop().await;
        self.fixture.db.start_private().await;
        exit_code
    }

    /// Starts a server and uploads the workbook to it.
    async fn request_import(&mut self, token: String) -> RequestedImport {
        // Fails when another seed has installed the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut server = self.start(&["serve", "--bind", "127.0.0.1:0"]);
        let address = self.address(&mut server).await;
        let mut import = RequestedImport { server, client: Client::new(), address, token, run: String::new() };
        let file = std::fs::read(&self.file).expect("the workbook");
        let publish = if self.publishes() { "true" } else { "false" };
        let answer = upload(import.request("POST", "/api/imports"), &file, publish).send().await.expect("an answer");
        let Some(run) = answer.headers().get("location").and_then(|path| path.to_str().ok()).map(str::to_owned) else {
            panic!("{} to the upload: {}", answer.status(), answer.text().await.unwrap_or_default());
        };
        import.run = run;
        import
    }

    /// Waits until `at` requests of the import have arrived in Administrate, or it has ended.
    async fn wait_until_arrived(&self, at: u64, import: &RequestedImport) {
        tokio::select! {
            _ = import.exit_code() => {}
            () = self.fixture.simulator.wait_for_arrived(self.before + at) => {}
        }
    }

    async fn wait_until_delivered(&self) {
        let delivered = async {
            while self.fixture.count(PENDING).await > 0 {
                sleep(POLL_INTERVAL).await;
            }
        };
        // The caller counts what is pending then.
        let _ = timeout(TIMEOUT, delivered).await;
    }

    async fn operator_token(&self) -> String {
        let new_token = NewToken { name: "torture".into(), role: Role::Operator, subject_id: None, days: None };
        let (_, secret) = identity::create(&self.fixture.db.pool, &new_token).await.expect("a token");
        secret.reveal().to_owned()
    }

    /// Returns the process id of the private PostgreSQL.
    fn postgres(&self) -> Pid {
        let text = std::fs::read_to_string(self.fixture.db.folder().join("postgres/postmaster.pid"));
        let pid = text.expect("it runs").lines().next().and_then(|line| line.trim().parse().ok());
        Pid::from_raw(pid.expect("its id"))
    }

    /// Returns the address that a new server prints.
    async fn address(&self, server: &mut Child) -> String {
        loop {
            let stderr = std::fs::read_to_string(self.fixture.db.folder().join("stderr")).unwrap_or_default();
            if let Some(line) = stderr.lines().find(|line| line.starts_with("serving at")) {
                return line.trim_start_matches("serving at ").trim_end_matches('/').to_owned();
            }
            assert!(server.try_wait().expect("a child").is_none(), "the server ended: {stderr}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl RequestedImport {
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.address)).bearer_auth(&self.token)
    }

    /// Waits until the run has ended and returns its exit code; none if it does not end.
    async fn exit_code(&self) -> Option<i32> {
        let document = self.wait_for(&self.run).await?;
        i32::try_from(document["exit_code"].as_i64()?).ok()
    }

    /// Waits until the server can use its database; returns whether it does.
    async fn is_ready(&self) -> bool {
        self.wait_for("/readyz").await.is_some()
    }

    /// Requests a path until the status is 200, and returns the document.
    async fn wait_for(&self, path: &str) -> Option<Value> {
        let document = async {
            loop {
                if let Ok(answer) = self.request("GET", path).send().await
                    && answer.status() == StatusCode::OK
                {
                    return answer.json().await.ok();
                }
                sleep(POLL_INTERVAL).await;
            }
        };
        timeout(TIMEOUT, document).await.ok().flatten()
    }

    async fn stop(&mut self) {
        terminate(&self.server);
        self.server.wait().await.expect("it ends");
    }
}

fn upload(request: RequestBuilder, file: &[u8], publish: &str) -> RequestBuilder {
    let part = |head: &str, body: &[u8]| [head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat();
    let body = [
        part("--cut\r\nContent-Disposition: form-data; name=\"publish\"", publish.as_bytes()),
        part("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"", file),
        b"--cut--\r\n".to_vec(),
    ];
    request.header("content-type", "multipart/form-data; boundary=cut").body(body.concat())
}
