//! An import that is requested and cancelled over HTTP.

use lectern::identity::{self, NewToken, Role};
use reqwest::{Client, RequestBuilder};
use tokio::process::Child;

use super::{FaultRun, terminate};

impl FaultRun {
    /// Requests the import from a new server and cancels it when `at` requests have arrived in Administrate.
    pub(super) async fn cancel_over_http(&mut self, at: u64) -> Option<i32> {
        // Fails when another seed has installed the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let at = self.before + at;
        let mut server = self.start(&["serve", "--bind", "127.0.0.1:0"]);
        let address = self.address(&mut server).await;
        let new_token = NewToken { name: "torture".into(), role: Role::Operator, subject_id: None, days: None };
        let (_, secret) = identity::create(&self.fixture.db.pool, &new_token).await.expect("a token");
        let client = Client::new();
        let request = |method: &str, path: &str| {
            let method = method.parse().expect("a method");
            client.request(method, format!("{address}{path}")).bearer_auth(secret.reveal())
        };
        let file = std::fs::read(&self.file).expect("the workbook");
        let publish = if self.publishes() { "true" } else { "false" };
        let answer = upload(request("POST", "/api/imports"), &file, publish).send().await.expect("an answer");
        let Some(run) = answer.headers().get("location").and_then(|path| path.to_str().ok()).map(str::to_owned) else {
            panic!("{} to the upload: {}", answer.status(), answer.text().await.unwrap_or_default());
        };
        let wait_for_end = async |rounds: u32| {
            for _ in 0..rounds {
                if request("GET", &run).send().await.is_ok_and(|answer| answer.status() == 200) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = wait_for_end(1000) => {}
            () = self.fixture.simulator.wait_for_arrived(at) => {}
        }
        // Status 409 means that the run has ended.
        request("DELETE", &run).send().await.expect("an answer");
        wait_for_end(1000).await;
        terminate(&server);
        server.wait().await.expect("it ends");
        None
    }

    /// Returns the address that a new server prints.
    async fn address(&self, server: &mut Child) -> String {
        loop {
            let stderr = std::fs::read_to_string(self.fixture.db.folder().join("stderr")).unwrap_or_default();
            if let Some(line) = stderr.lines().find(|line| line.starts_with("serving at")) {
                return line.trim_start_matches("serving at ").trim_end_matches('/').to_owned();
            }
            assert!(server.try_wait().expect("a child").is_none(), "the server ended: {stderr}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
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
