//! A scripted environment: responses from a script, a clock that advances when the client sleeps, constant randomness.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use administrate::{
    BoxFuture, CallLog, CallRecord, Client, Clock, Environment, OnWait, Randomness, RateLimiter, RateLimiterError,
    Request, Response, Secret, Settings, Transport, TransportError, Wait, WaitObserver,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How the network responds to the next request.
#[derive(Clone)]
pub enum Step {
    Respond(u16, Option<&'static str>, String),
    Refuse,
    Reset,
    Silence,
}

pub fn ok(body: Value) -> Step {
    Step::Respond(200, None, body.to_string())
}

pub fn data(data: Value) -> Step {
    ok(json!({ "data": data }))
}

pub fn status(status: u16) -> Step {
    Step::Respond(status, None, String::new())
}

pub fn errors(messages: &[&str]) -> Step {
    let errors: Vec<_> = messages.iter().map(|message| json!({ "message": message })).collect();
    ok(json!({ "errors": errors }))
}

/// Returns a page of a connection at `root`.
pub fn page(root: &str, nodes: Vec<Value>, total: usize, has_next: bool) -> Step {
    data(json!({ root: connection(nodes, total, has_next) }))
}

pub fn connection(nodes: Vec<Value>, total: usize, has_next: bool) -> Value {
    let edges: Vec<_> = nodes.into_iter().map(|node| json!({ "node": node })).collect();
    json!({ "edges": edges, "pageInfo": { "hasNextPage": has_next, "totalRecords": total } })
}

/// Returns a token that lasts an hour.
pub fn token() -> Step {
    ok(json!({ "access_token": "tok-1", "expires_in": 3600, "token_type": "Bearer" }))
}

/// One request as it was sent.
#[derive(Debug, Clone)]
pub struct SentRequest {
    pub bearer: Option<String>,
    pub body: String,
}

impl SentRequest {
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

/// The environment of one client, with a record of what the client did.
#[derive(Default)]
pub struct ScriptedEnvironment {
    logins: Mutex<VecDeque<Step>>,
    schema: Mutex<Option<Value>>,
    steps: Mutex<VecDeque<Step>>,
    pub sent: Mutex<Vec<SentRequest>>,
    pub logins_sent: Mutex<Vec<String>>,
    pub calls: Mutex<Vec<CallRecord>>,
    pub waits: Mutex<Vec<Duration>>,
    pub pauses: Mutex<Vec<Duration>>,
    pub permits: Mutex<u32>,
    pub reported: Mutex<Vec<Wait>>,
    elapsed: Mutex<Duration>,
    /// How far the wall clock was set back.
    set_back: Mutex<Duration>,
}

impl ScriptedEnvironment {
    /// Creates a tenant that refuses introspection and responds with `steps`.
    pub fn new(steps: Vec<Step>) -> Arc<Self> {
        let env = Self::default();
        *env.steps.lock().expect("steps") = steps.into();
        Arc::new(env)
    }

    /// Creates a tenant with the introspection result `schema`.
    pub fn introspected(schema: Value, steps: Vec<Step>) -> Arc<Self> {
        let env = Self::new(steps);
        *env.schema.lock().expect("schema") = Some(schema);
        env
    }

    /// Sets the responses to the next logins; later ones return the default token.
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
        let environment = Environment {
            transport: self.clone(),
            clock: self.clone(),
            randomness: self.clone(),
            rate_limiter: self.clone(),
            waits: self.clone(),
            call_log: self.clone(),
        };
        Client::new(settings, environment)
    }

    /// Advances the clock.
    pub fn advance(&self, duration: Duration) {
        *self.elapsed.lock().expect("time") += duration;
    }

    /// Sets the wall clock back. Time passes as before.
    pub fn set_back(&self, duration: Duration) {
        *self.set_back.lock().expect("time") += duration;
    }

    /// Returns how many steps of the script are unused.
    pub fn unused_steps(&self) -> usize {
        self.steps.lock().expect("steps").len()
    }

    pub fn queries(&self) -> Vec<String> {
        self.sent.lock().expect("sent").iter().map(SentRequest::query).collect()
    }

    pub fn last(&self) -> SentRequest {
        self.sent.lock().expect("sent").last().expect("a request").clone()
    }

    /// Returns the waits of the client, in milliseconds.
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
        self.sent.lock().expect("sent").push(SentRequest { bearer, body });
        let step = self.steps.lock().expect("steps").pop_front();
        step.expect("the script has no step for this request")
    }
}

impl Transport for ScriptedEnvironment {
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            match self.step(request) {
                Step::Respond(status, retry_after, body) => {
                    let retry_after = retry_after.map(str::to_owned);
                    Ok(Response { status, retry_after, date: None, body: body.into_bytes() })
                }
                Step::Refuse => Err(TransportError::NotSent("refused".to_owned())),
                Step::Reset => Err(TransportError::Broken("reset by peer".to_owned())),
                Step::Silence => std::future::pending().await,
            }
        })
    }
}

impl Clock for ScriptedEnvironment {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a timestamp");
        let now = start.checked_add(*self.elapsed.lock().expect("time")).expect("a timestamp");
        now.checked_sub(*self.set_back.lock().expect("time")).expect("a timestamp")
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().expect("time")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.waits.lock().expect("waits").push(duration);
            self.advance(duration);
        })
    }
}

impl Randomness for ScriptedEnvironment {
    fn next_u64(&self) -> u64 {
        // Any number will do: waits are checked against their bounds.
        u64::MAX
    }
}

impl RateLimiter for ScriptedEnvironment {
    fn acquire<'a>(&'a self, _: &'a OnWait<'a>) -> BoxFuture<'a, Result<(), RateLimiterError>> {
        *self.permits.lock().expect("permits") += 1;
        Box::pin(std::future::ready(Ok(())))
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        self.pauses.lock().expect("pauses").push(duration);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl WaitObserver for ScriptedEnvironment {
    fn begin_wait(&self, wait: &Wait) {
        self.reported.lock().expect("waits").push(*wait);
    }
}

impl CallLog for ScriptedEnvironment {
    fn record(&self, call: CallRecord) -> BoxFuture<'_, ()> {
        self.calls.lock().expect("calls").push(call);
        Box::pin(std::future::ready(()))
    }
}

pub fn location(number: usize) -> Value {
    json!({ "id": format!("L{number}"), "name": format!("Town {number}"), "code": null, "legacyId": number })
}
