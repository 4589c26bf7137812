//! `lectern serve` as a process of its own, and requests to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::Sha256;

use super::data;
use super::sides::{Sides, WEBHOOK_SECRET};

/// A served site; it ends with the value.
pub struct Served {
    process: Child,
    address: String,
    client: Client,
}

impl Served {
    /// Serves both sides; `more` are options of `lectern serve`.
    pub async fn start(sides: &Sides, more: &[&str]) -> Served {
        // Another test may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = sides.program(&[&["serve", "--bind", "127.0.0.1:0"], more].concat());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let printed = BufReader::new(process.stderr.take().expect("piped"));
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = printed.lines().map_while(Result::ok);
            let address = lines.find_map(|line| line.split_once("http://").map(|(_, address)| address.to_owned()));
            // What else is printed has to go somewhere.
            std::thread::spawn(move || lines.for_each(drop));
            address.expect("an address")
        });
        let address = address.await.expect("joined").trim_end_matches('/').to_owned();
        let served = Served { process, address, client: Client::new() };
        // Until the catalogue is loaded, searches are 503.
        while served.request("GET", "/readyz").send().await.expect("an answer").status() == 503 {}
        served
    }

    /// A request to a path.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().expect("a method"), format!("http://{}{path}", self.address))
    }

    /// Uploads a file of `tests/data/golden` as an import, with fields of the form.
    pub async fn import(&self, token: &str, file: &str, fields: &[(&str, &str)], key: &str) -> (u16, Value) {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += &format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\r\n");
        body += &std::fs::read_to_string(data(file)).expect("a timetable");
        body += "\r\n--cut--\r\n";
        let request = self.request("POST", "/api/imports").bearer_auth(token).header("idempotency-key", key);
        answer(request.header("content-type", "multipart/form-data; boundary=cut").body(body)).await
    }

    /// Posts JSON.
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request("POST", path).bearer_auth(token).json(body)).await
    }

    /// Gets a document.
    pub async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        answer(self.request("GET", path).bearer_auth(token)).await
    }

    /// Delivers a signed webhook about `node`.
    pub async fn webhook(&self, at: &str, node: &Value) -> u16 {
        let metadata = json!({ "webhook_id": "T3V0Ym91bmRIb29rOjE=", "triggered_at": at, "is_retry": false });
        let body = json!({ "metadata": metadata, "payload": { "node": node } }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("a key");
        mac.update(body.as_bytes());
        let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.request("POST", "/webhooks/administrate").header("x-administrate-signature", signature);
        let request = request.header("x-administrate-signature-timestamp", Timestamp::now().as_second().to_string());
        request.body(body).send().await.expect("an answer").status().as_u16()
    }

    /// Waits until an import has ended, which closes its stream of events; gives its document.
    pub async fn import_ended(&self, token: &str, run: i64) -> (u16, Value) {
        let events = self.request("GET", &format!("/api/imports/{run}/events")).bearer_auth(token).send().await;
        events.expect("an answer").text().await.expect("the stream ends");
        self.get(token, &format!("/api/imports/{run}")).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response: Response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}
