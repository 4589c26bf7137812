//! The client: its parts, and how a document is sent in the tenant's dialect.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::call::auth::Auth;
use crate::call::breaker::Breaker;
use crate::call::clock::Clock;
use crate::call::redaction::Discretion;
use crate::call::response::{Answer, Envelope};
use crate::call::retry::Fault;
use crate::call::throttle::Limit;
use crate::call::{Exchange, Judge};
use crate::environment::Surroundings;
use crate::error::Error;
use crate::schema::dialect::Dialect;
use crate::schema::document::Document;
use crate::schema::{INTROSPECTION, Schema};
use crate::settings::Settings;

/// A client of one tenant. Clones share login, dialect, breaker, limit and budget; calls may run concurrently.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    surroundings: Surroundings,
    auth: Auth,
    discretion: Discretion,
    breaker: Breaker,
    limit: Limit,
    spent: AtomicU64,
    dialect: RwLock<Option<Arc<Dialect>>>,
    /// Held while the API is asked for its dialect, so that it is asked once.
    introspecting: Mutex<()>,
}

/// What this tenant's API can do beyond what every tenant's can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the API answered introspection; where not, the rest is what is documented.
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
    /// A client that has not spoken yet.
    pub fn new(settings: Settings, surroundings: Surroundings) -> Self {
        let breaker = Breaker::new(settings.breaker_after, settings.breaker_rest);
        let limit = Limit::new(settings.attempts_when_limited(), settings.breaker_rest);
        let discretion = Discretion::new(settings.client_secret.clone());
        Self {
            inner: Arc::new(Inner {
                settings,
                surroundings,
                auth: Auth::default(),
                discretion,
                breaker,
                limit,
                spent: AtomicU64::new(0),
                dialect: RwLock::new(None),
                introspecting: Mutex::new(()),
            }),
        }
    }

    /// Logs in, unless that was done.
    ///
    /// # Errors
    /// [`Error::Login`] where the credentials are refused.
    pub async fn login(&self) -> Result<(), Error> {
        self.auth().bearer(self).await.map(drop)
    }

    /// How many requests it and its clones have sent, logins and repetitions among them.
    pub fn requests(&self) -> u64 {
        self.inner.spent.load(Ordering::Relaxed)
    }

    /// What the tenant's API can do, asked of it at most once.
    ///
    /// # Errors
    /// As every call. That introspection is refused is no error.
    pub async fn capabilities(&self) -> Result<Capabilities, Error> {
        let dialect = self.dialect().await?;
        Ok(Capabilities {
            introspected: dialect.is_introspected(),
            create_contact: dialect.offers("contact.create"),
            create_location: dialect.offers("location.create"),
            create_venue: dialect.offers("venue.create"),
            create_course_template: dialect.offers("courseTemplate.create"),
            remove_session_staff: dialect.offers("session.removeStaff"),
        })
    }

    /// Sends what `build` makes of the dialect. A document that the server refuses for a guess in it is built and sent
    /// once more with the guess turned around.
    pub(crate) async fn run(&self, build: &(dyn Fn(&Dialect) -> Document + Send + Sync)) -> Result<Answer, Error> {
        loop {
            let dialect = self.dialect().await?;
            let document = dialect.fitted(build(&dialect));
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

    /// Whether another attempt may fare better: the errors taught something, to us or meanwhile to another call.
    fn learn(&self, spoken: &Arc<Dialect>, document: &Document, errors: &[crate::GraphqlError]) -> bool {
        let mut known = self.inner.dialect.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = known.as_ref().is_some_and(|known| Arc::ptr_eq(known, spoken));
        if !is_current {
            return errors.iter().all(|error| !error.in_execution);
        }
        match spoken.taught(document, errors) {
            Some(taught) => {
                *known = Some(Arc::new(taught));
                true
            }
            None => false,
        }
    }

    async fn send(&self, document: &Document) -> Result<Answer, Error> {
        let (text, variables) = document.render();
        let (path, is_mutation) = (document.path.clone(), document.is_mutation);
        let exchange = self.graphql(document.operation, is_mutation, text, Value::Object(variables));
        let answer = self.exchange(&exchange, &judged(path, is_mutation)).await?;
        Ok(Answer { errors: self.discretion().errors(answer.errors), ..answer })
    }

    fn graphql(&self, operation: &'static str, is_mutation: bool, document: String, variables: Value) -> Exchange {
        let body = json!({ "query": document, "variables": variables });
        Exchange {
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

    /// The tenant's dialect, asked of its API once.
    pub(crate) async fn dialect(&self) -> Result<Arc<Dialect>, Error> {
        if let Some(dialect) = self.known_dialect() {
            return Ok(dialect);
        }
        let _asking = self.inner.introspecting.lock().await;
        if let Some(dialect) = self.known_dialect() {
            return Ok(dialect);
        }
        let dialect = Arc::new(self.introspect().await?);
        *self.inner.dialect.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&dialect));
        Ok(dialect)
    }

    fn known_dialect(&self) -> Option<Arc<Dialect>> {
        self.inner.dialect.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the API for its schema. Any answer but a schema means the documented dialect; a server that is down will say so
    /// to the next call, too.
    async fn introspect(&self) -> Result<Dialect, Error> {
        let exchange = self.graphql("introspection", false, INTROSPECTION.to_owned(), json!({}));
        match self.exchange(&exchange, &judged(vec![], false)).await {
            Ok(answer) => Ok(Schema::read(&answer.value).map(Dialect::introspected).unwrap_or_default()),
            Err(Error::Graphql { .. } | Error::Unreadable { .. } | Error::Status { .. }) => Ok(Dialect::default()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.inner.surroundings
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.surroundings.clock
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.inner.auth
    }

    pub(crate) fn discretion(&self) -> &Discretion {
        &self.inner.discretion
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.inner.breaker
    }

    pub(crate) fn limit(&self) -> &Limit {
        &self.inner.limit
    }

    pub(crate) fn spent(&self) -> &AtomicU64 {
        &self.inner.spent
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Reads a GraphQL answer; servers that follow "GraphQL over HTTP" reject with 400 and the errors in the body.
fn judged(path: Vec<&'static str>, is_mutation: bool) -> Box<Judge<Answer>> {
    Box::new(move |response| {
        let envelope = Envelope::read(&response.body, &path, is_mutation);
        match (response.status, envelope) {
            (200..=299, Envelope::Answer(answer)) => Ok(answer),
            (200..=299, Envelope::Unreadable(detail)) => Err(Fault::Unreadable(detail)),
            (200..=299 | 400 | 422, Envelope::Rejected(errors, outcome)) => Err(Fault::Rejected(errors, outcome)),
            (status, _) => Err(Fault::Status(status, None)),
        }
    })
}
