//! The outside, played: answers from a script, a clock that moves when somebody sleeps, chance that always says the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use administrate::{
    Allowance, AllowanceError, BoxFuture, Call, Client, Clock, Ledger, Randomness, Request, Response, Secret, Settings,
    Surroundings, Transport, TransportError,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What the network does with the next request.
#[derive(Clone)]
pub enum Step {
    Answer(u16, Option<&'static str>, String),
    Refuse,
    Reset,
    Silence,
}

pub fn ok(body: Value) -> Step {
    Step::Answer(200, None, body.to_string())
}

pub fn data(data: Value) -> Step {
    ok(json!({ "data": data }))
}

pub fn status(status: u16) -> Step {
    Step::Answer(status, None, String::new())
}

pub fn errors(messages: &[&str]) -> Step {
    let errors: Vec<_> = messages.iter().map(|message| json!({ "message": message })).collect();
    ok(json!({ "errors": errors }))
}

/// A page of a connection at `root`.
pub fn page(root: &str, nodes: Vec<Value>, total: usize, has_next: bool) -> Step {
    data(json!({ root: connection(nodes, total, has_next) }))
}

pub fn connection(nodes: Vec<Value>, total: usize, has_next: bool) -> Value {
    let edges: Vec<_> = nodes.into_iter().map(|node| json!({ "node": node })).collect();
    json!({ "edges": edges, "pageInfo": { "hasNextPage": has_next, "totalRecords": total } })
}

/// A token that lasts an hour.
pub fn token() -> Step {
    ok(json!({ "access_token": "tok-1", "expires_in": 3600, "token_type": "Bearer" }))
}

/// One request as it went out.
#[derive(Debug, Clone)]
pub struct Sent {
    pub bearer: Option<String>,
    pub body: String,
}

impl Sent {
    pub fn query(&self) -> String {
        self.json()["query"].as_str().unwrap_or_default().to_owned()
    }

    pub fn variables(&self) -> Value {
        self.json()["variables"].clone()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// The whole outside of one client.
#[derive(Default)]
pub struct World {
    logins: Mutex<VecDeque<Step>>,
    schema: Mutex<Option<Value>>,
    steps: Mutex<VecDeque<Step>>,
    pub sent: Mutex<Vec<Sent>>,
    pub logins_sent: Mutex<Vec<String>>,
    pub calls: Mutex<Vec<Call>>,
    pub waits: Mutex<Vec<Duration>>,
    pub pauses: Mutex<Vec<Duration>>,
    pub permits: Mutex<u32>,
    passed: Mutex<Duration>,
}

impl World {
    /// A tenant that refuses introspection and answers with `steps`.
    pub fn new(steps: Vec<Step>) -> Arc<Self> {
        let world = Self::default();
        *world.steps.lock().expect("steps") = steps.into();
        Arc::new(world)
    }

    /// The same, showing `schema` to introspection.
    pub fn introspected(schema: Value, steps: Vec<Step>) -> Arc<Self> {
        let world = Self::new(steps);
        *world.schema.lock().expect("schema") = Some(schema);
        world
    }

    /// What the next logins get, before the usual token.
    pub fn logins(self: &Arc<Self>, steps: Vec<Step>) -> Arc<Self> {
        *self.logins.lock().expect("logins") = steps.into();
        self.clone()
    }

    pub fn client(self: &Arc<Self>) -> Client {
        self.client_with(|_| {})
    }

    pub fn client_with(self: &Arc<Self>, change: impl FnOnce(&mut Settings)) -> Client {
        let mut settings =
            Settings::new("http://api.test/graphql", "http://auth.test/oauth/", "the-id", Secret::new("the secret"));
        change(&mut settings);
        let surroundings = Surroundings {
            transport: self.clone(),
            clock: self.clone(),
            randomness: self.clone(),
            allowance: self.clone(),
            ledger: self.clone(),
        };
        Client::new(settings, surroundings)
    }

    /// Lets time pass.
    pub fn pass(&self, duration: Duration) {
        *self.passed.lock().expect("time") += duration;
    }

    /// How many of the script's steps were not asked for.
    pub fn left(&self) -> usize {
        self.steps.lock().expect("steps").len()
    }

    pub fn queries(&self) -> Vec<String> {
        self.sent.lock().expect("sent").iter().map(Sent::query).collect()
    }

    pub fn last(&self) -> Sent {
        self.sent.lock().expect("sent").last().expect("a request").clone()
    }

    /// Waits between attempts, in milliseconds, timeouts not among them.
    pub fn waits(&self) -> Vec<u128> {
        self.waits.lock().expect("waits").iter().map(Duration::as_millis).collect()
    }

    fn step(&self, request: &Request) -> Step {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if request.url.ends_with("/token") {
            assert_eq!(request.url, "http://auth.test/oauth/token");
            self.logins_sent.lock().expect("logins").push(body);
            return self.logins.lock().expect("logins").pop_front().unwrap_or_else(token);
        }
        if body.contains("__schema") {
            return match &*self.schema.lock().expect("schema") {
                Some(schema) => data(schema.clone()),
                None => errors(&["introspection is off"]),
            };
        }
        let bearer = request.bearer.clone();
        self.sent.lock().expect("sent").push(Sent { bearer, body });
        let step = self.steps.lock().expect("steps").pop_front();
        step.expect("a request that the script does not foresee")
    }
}

impl Transport for World {
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            match self.step(request) {
                Step::Answer(status, retry_after, body) => {
                    Ok(Response { status, retry_after: retry_after.map(str::to_owned), body: body.into_bytes() })
                }
                Step::Refuse => Err(TransportError::NotSent("refused".to_owned())),
                Step::Reset => Err(TransportError::Broken("reset by peer".to_owned())),
                Step::Silence => std::future::pending().await,
            }
        })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a timestamp");
        start.checked_add(*self.passed.lock().expect("time")).expect("a timestamp")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.waits.lock().expect("waits").push(duration);
            self.pass(duration);
        })
    }
}

impl Randomness for World {
    fn next_u64(&self) -> u64 {
        // Any number does: waits are checked against their bounds.
        u64::MAX
    }
}

impl Allowance for World {
    fn take(&self) -> BoxFuture<'_, Result<(), AllowanceError>> {
        *self.permits.lock().expect("permits") += 1;
        Box::pin(std::future::ready(Ok(())))
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), AllowanceError>> {
        self.pauses.lock().expect("pauses").push(duration);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Ledger for World {
    fn record(&self, call: Call) -> BoxFuture<'_, ()> {
        self.calls.lock().expect("calls").push(call);
        Box::pin(std::future::ready(()))
    }
}

pub fn location(number: usize) -> Value {
    json!({ "id": format!("L{number}"), "name": format!("Town {number}"), "code": null, "legacyId": number })
}
