//! The client: its parts, and how a document is sent in the tenant's dialect.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::call::auth::Auth;
use crate::call::breaker::Breaker;
use crate::call::clock::Clock;
use crate::call::redaction::Redactor;
use crate::call::response::{Envelope, GraphqlResponse};
use crate::call::retry::AttemptError;
use crate::call::throttle::ServerThrottle;
use crate::call::{ApiCall, ParseResponse};
use crate::environment::Environment;
use crate::error::Error;
use crate::schema::dialect::Dialect;
use crate::schema::document::Document;
use crate::schema::{INTROSPECTION, Schema};
use crate::settings::Settings;

/// A client of one tenant. Clones share login, dialect, breaker, throttle and budget; calls may run concurrently.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    environment: Environment,
    auth: Auth,
    redactor: Redactor,
    breaker: Breaker,
    throttle: ServerThrottle,
    requests_sent: AtomicU64,
    dialect: RwLock<Option<Arc<Dialect>>>,
    /// Locked during introspection, so that concurrent calls introspect only once.
    introspection: Mutex<()>,
}

/// The optional operations that this tenant's API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the API allowed introspection; if not, the other values are those of the documented API.
    pub introspected: bool,
    /// `contact.create`
    pub create_contact: bool,
    /// `location.create`
    pub create_location: bool,
    /// `venue.create`
    pub create_venue: bool,
    /// `courseTemplate.create`
    pub create_course_template: bool,
    /// `session.removeStaff`
    pub remove_session_staff: bool,
}

impl Client {
    /// Creates a client; it sends nothing yet.
    pub fn new(settings: Settings, environment: Environment) -> Self {
        let breaker = Breaker::new(settings.breaker_threshold, settings.breaker_cooldown);
        let throttle = ServerThrottle::new(settings.rate_limited_attempts(), settings.breaker_cooldown);
        let redactor = Redactor::new(settings.client_secret.clone());
        Self {
            inner: Arc::new(Inner {
                settings,
                environment,
                auth: Auth::default(),
                redactor,
                breaker,
                throttle,
                requests_sent: AtomicU64::new(0),
                dialect: RwLock::new(None),
                introspection: Mutex::new(()),
            }),
        }
    }

    /// Logs in, unless there is a valid token.
    ///
    /// # Errors
    /// [`Error::Login`] if the credentials are refused.
    pub async fn login(&self) -> Result<(), Error> {
        self.auth().bearer(self).await.map(drop)
    }

    /// Returns how many requests this client and its clones have sent, including logins and retries.
    pub fn requests(&self) -> u64 {
        self.inner.requests_sent.load(Ordering::Relaxed)
    }

    /// Returns what the tenant's API can do. The API is introspected at most once.
    ///
    /// # Errors
    /// As every call. A refused introspection is not an error.
    pub async fn capabilities(&self) -> Result<Capabilities, Error> {
        let dialect = self.dialect().await?;
        Ok(Capabilities {
            introspected: dialect.is_introspected(),
            create_contact: dialect.supports("contact.create"),
            create_location: dialect.supports("location.create"),
            create_venue: dialect.supports("venue.create"),
            create_course_template: dialect.supports("courseTemplate.create"),
            remove_session_staff: dialect.supports("session.removeStaff"),
        })
    }

    /// Sends the document that `build` makes for the dialect.
    ///
    /// If the server refuses the document because of an assumption in it, the assumption is corrected and the document
    /// built and sent again.
    pub(crate) async fn run(
        &self,
        build: &(dyn Fn(&Dialect) -> Document + Send + Sync),
    ) -> Result<GraphqlResponse, Error> {
        loop {
            let dialect = self.dialect().await?;
            let document = dialect.adapt(build(&dialect));
            match self.send(&document).await {
                Err(Error::Graphql { operation, errors, outcome }) => match self.learn(&dialect, &document, &errors) {
                    true => tracing::info!(operation, ?errors, "the tenant's dialect differs, trying again"),
                    false => {
                        return Err(Error::Graphql { operation, errors, outcome });
                    }
                },
                other => return other,
            }
        }
    }

    /// Corrects the dialect by `errors`; returns whether a retry may succeed, also because another call corrected it.
    fn learn(&self, used: &Arc<Dialect>, document: &Document, errors: &[crate::GraphqlError]) -> bool {
        let mut current = self.inner.dialect.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = current.as_ref().is_some_and(|current| Arc::ptr_eq(current, used));
        if !is_current {
            return errors.iter().all(|error| !error.has_path);
        }
        match used.corrected_by(document, errors) {
            Some(corrected) => {
                *current = Some(Arc::new(corrected));
                true
            }
            None => false,
        }
    }

    async fn send(&self, document: &Document) -> Result<GraphqlResponse, Error> {
        let (text, variables) = document.render();
        let (path, is_mutation) = (document.path.clone(), document.is_mutation);
        let call = self.graphql_call(document.operation, is_mutation, text, Value::Object(variables));
        let response = self.execute(&call, &graphql_parser(path, is_mutation)).await?;
        Ok(GraphqlResponse { errors: self.redactor().redact_errors(response.errors), ..response })
    }

    fn graphql_call(&self, operation: &'static str, is_mutation: bool, document: String, variables: Value) -> ApiCall {
        let body = json!({ "query": document, "variables": variables });
        ApiCall {
            operation,
            is_mutation,
            document,
            variables,
            url: self.settings().api_url.clone(),
            content_type: "application/json",
            body: body.to_string().into_bytes(),
            is_login: false,
        }
    }

    /// Returns the tenant's dialect; the first call introspects the API.
    pub(crate) async fn dialect(&self) -> Result<Arc<Dialect>, Error> {
        if let Some(dialect) = self.cached_dialect() {
            return Ok(dialect);
        }
        let _guard = self.inner.introspection.lock().await;
        if let Some(dialect) = self.cached_dialect() {
            return Ok(dialect);
        }
        let dialect = Arc::new(self.introspect().await?);
        *self.inner.dialect.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&dialect));
        Ok(dialect)
    }

    fn cached_dialect(&self) -> Option<Arc<Dialect>> {
        self.inner.dialect.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Introspects the API. Any response without a schema means the documented dialect.
    ///
    /// That includes an error status: if the server is down, the next call fails too.
    async fn introspect(&self) -> Result<Dialect, Error> {
        let call = self.graphql_call("introspection", false, INTROSPECTION.to_owned(), json!({}));
        match self.execute(&call, &graphql_parser(vec![], false)).await {
            Ok(response) => Ok(Schema::parse(&response.value).map(Dialect::from_schema).unwrap_or_default()),
            Err(Error::Graphql { .. } | Error::Unreadable { .. } | Error::Status { .. }) => Ok(Dialect::default()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.inner.environment
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.environment.clock
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.inner.auth
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.inner.breaker
    }

    pub(crate) fn throttle(&self) -> &ServerThrottle {
        &self.inner.throttle
    }

    pub(crate) fn requests_sent(&self) -> &AtomicU64 {
        &self.inner.requests_sent
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Returns a parser of GraphQL responses. Servers that follow "GraphQL over HTTP" reject with 400 and errors in the body.
fn graphql_parser(path: Vec<&'static str>, is_mutation: bool) -> Box<ParseResponse<GraphqlResponse>> {
    Box::new(move |response| {
        let envelope = Envelope::parse(&response.body, &path, is_mutation);
        match (response.status, envelope) {
            (200..=299, Envelope::Data(response)) => Ok(response),
            (200..=299, Envelope::Unreadable(detail)) => Err(AttemptError::Unreadable(detail)),
            (200..=299 | 400 | 422, Envelope::Rejected(errors, outcome)) => {
                Err(AttemptError::Rejected(errors, outcome))
            }
            (status, _) => Err(AttemptError::Status(status, None)),
        }
    })
}
