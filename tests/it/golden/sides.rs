//! A database and a simulated Administrate that hold the made-up provider of `tests/data/golden`.

use std::process::Command;

use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use serde_json::{Value, json};

use super::data;
use super::redaction::redact;
use crate::fixtures::test_db::TestDb;

/// The key with which deliveries of webhooks are signed.
pub const WEBHOOK_SECRET: &str = "a key that only the two know";

/// Settings that make the order of remote writes, and so of ids, the same in every run.
const SETTINGS: &str = "retry_base_ms = 1\n[delivery]\nparallel = 1\n";

pub struct Sides {
    pub db: TestDb,
    simulator: RunningSimulator,
}

impl Sides {
    /// Both sides before anything has been synchronised.
    pub async fn new() -> Sides {
        let db = TestDb::new().await;
        let provider = std::fs::read_to_string(data("provider.sql")).expect("the provider's rows");
        sqlx::raw_sql(sqlx::AssertSqlSafe(provider)).execute(&db.pool).await.expect("the provider's rows");
        Sides::with(db, "administrate.json").await
    }

    /// This database, and a simulator with a copy of this state file.
    pub async fn with(db: TestDb, state: &str) -> Sides {
        let copy = db.folder().join("administrate.json");
        std::fs::copy(data(state), &copy).expect("the simulator's state");
        std::fs::write(db.folder().join("lectern.toml"), SETTINGS).expect("settings");
        let options = Options { state: Some(copy), ..Options::default() };
        let simulator = Simulator::start(options, Tenant::default()).await.expect("a simulator");
        Sides { db, simulator }
    }

    /// The program, pointed at both sides.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.db.program(arguments);
        command
            .env("ADMINISTRATE_API_URL", format!("http://{}/graphql", self.simulator.address()))
            .env("ADMINISTRATE_AUTH_URL", format!("http://{}/oauth", self.simulator.address()))
            .env("ADMINISTRATE_INSTANCE_URL", format!("http://{}", self.simulator.address()))
            .env("ADMINISTRATE_CLIENT_ID", "simulated-client")
            .env("ADMINISTRATE_CLIENT_SECRET", "simulated-secret")
            .env("ADMINISTRATE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .env("LECTERN_PUBLIC_URL", "https://lectern.example.org");
        command
    }

    /// Runs the program with `--json`: its exit code and its document.
    pub async fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = self.program(arguments);
        command.arg("--json");
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {printed}"));
        (output.status.code().unwrap_or(-1), document)
    }

    /// Runs SQL, several statements if need be.
    pub async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db.pool).await.expect(sql);
    }

    /// What Administrate holds, as its state file has it.
    pub fn administrate(&self) -> Value {
        serde_json::to_value(self.simulator.tenant()).expect("JSON")
    }

    /// Sets a value that Administrate holds, as a person in its own pages does; `pointer` as in RFC 6901.
    pub fn set(&self, pointer: &str, value: Value) {
        let mut state = self.administrate();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        state.pointer_mut(parent).expect(pointer)[name] = value;
        self.simulator.edit(|tenant| *tenant = serde_json::from_value(state).expect(pointer));
    }

    /// Adds a row to a table of Administrate's.
    pub fn add(&self, table: &str, row: Value) {
        let last = self.administrate()[table]["last"].as_u64().expect(table) + 1;
        self.set(&format!("/{table}/rows/{last}"), row);
        self.set(&format!("/{table}/last"), json!(last));
    }

    /// Calls of this operation get no answer from now on, and nothing comes of them.
    pub fn lose(&self, operation: &str) {
        let fault = json!({ "on": operation, "times": 0, "action": { "do": "reset", "when": "before" } });
        self.simulator.add_fault(serde_json::from_value(fault).expect("a fault"));
    }

    /// Every call is answered again.
    pub fn lose_nothing(&self) {
        self.simulator.clear_faults();
    }

    /// A document without what differs between two runs.
    pub fn redact(&self, document: &Value) -> Value {
        let places = [
            (self.db.folder().to_string_lossy().into_owned(), "<folder>"),
            (self.simulator.address().to_string(), "<administrate>"),
            (self.db.pool.connect_options().get_database().unwrap_or("test").to_owned(), "<database>"),
        ];
        redact(document, &places)
    }

    /// The same of a text, whose lines are not redacted by key.
    pub fn without_places(&self, text: &str) -> String {
        match self.redact(&json!({ "text": text }))["text"].take() {
            Value::String(text) => text,
            other => panic!("{other} is no text"),
        }
    }
}

/// Commands with how they ended and what they printed, in order.
#[derive(Default)]
pub struct Record(Vec<Value>);

impl Record {
    /// Runs the program, records it redacted and gives the document as it was printed.
    pub async fn run(&mut self, sides: &Sides, arguments: &[&str]) -> Value {
        let (exit, document) = sides.run(arguments).await;
        let command = sides.without_places(&arguments.join(" "));
        self.0.push(json!({ "command": command, "exit": exit, "document": sides.redact(&document) }));
        document
    }

    /// Adds an answer over HTTP.
    pub fn add(&mut self, sides: &Sides, request: &str, (status, document): (u16, Value)) -> Value {
        self.0.push(json!({ "request": request, "status": status, "document": sides.redact(&document) }));
        document
    }

    /// Compares what was recorded since the last call with the golden file of this name.
    pub fn golden(&mut self, name: &str) {
        super::golden(name, &Value::Array(std::mem::take(&mut self.0)));
    }
}
