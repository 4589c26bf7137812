//! Starting a simulator, and the handle of a running one: its addresses, its state and its faults.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::faults::{Fault, Faults};
use crate::journal::{Journal, StateError};
use crate::log::{Mutation, Requests};
use crate::options::Options;
use crate::replay::Replay;
use crate::schema::ProfileSchema;
use crate::server::oauth::OAuth;
use crate::server::tcp::{ClientConnection, ResettableListener};
use crate::server::{self, MutableState, ServerContext};
use crate::tenant::Tenant;

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("the simulator cannot listen on {bind}: {source}; name another port, or 0 for a free one")]
    Bind {
        /// The address.
        bind: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The recording cannot be read.
    #[error("the recording in {folder} cannot be read: {source}", folder = folder.display())]
    Replay {
        /// The folder of the recording.
        folder: PathBuf,
        /// The read or parse error.
        source: std::io::Error,
    },
    /// The schema text is not valid GraphQL: a bug in this crate.
    #[error("the simulator's schema is not valid: {0}")]
    Schema(String),
}

impl Simulator {
    /// Starts a simulator on the current tokio runtime. It serves the tenant in the file `options.state`, or `seed`
    /// where that file does not exist.
    ///
    /// # Errors
    /// The address is in use, or the state file or the recording cannot be read.
    pub async fn start(options: Options, seed: Tenant) -> Result<RunningSimulator, StartError> {
        let schema = ProfileSchema::new(options.profile).map_err(StartError::Schema)?;
        let bind = options.bind;
        let listener = TcpListener::bind(bind).await.map_err(|source| StartError::Bind { bind, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Bind { bind, source })?;
        let (journal, tenant) = match &options.state {
            Some(path) => Journal::open(path, seed.clone()).map(|(journal, tenant)| (Some(journal), tenant))?,
            None => (None, seed.clone()),
        };
        let state = MutableState {
            tenant,
            oauth: OAuth::new(options.credentials.clone(), options.token_lifetime),
            faults: Faults::default(),
            requests: Requests::default(),
            mutations: Vec::new(),
            journal,
            late: Vec::new(),
        };
        let replay = options.replay.as_deref().map(|folder| {
            Replay::open(folder).map_err(|source| StartError::Replay { folder: folder.to_owned(), source })
        });
        let replay = replay.transpose()?;
        let (stop, stopping) = watch::channel(false);
        let clock = Arc::clone(&options.clock);
        let latency = options.latency;
        let context = Arc::new(ServerContext::new(schema, clock, latency, seed, stopping.clone(), replay, state));
        let task = tokio::spawn(serve(listener, Arc::clone(&context), stopping));
        Ok(RunningSimulator { address, options, context, stop, task })
    }
}

async fn serve(listener: TcpListener, context: Arc<ServerContext>, mut stopping: watch::Receiver<bool>) {
    let service = server::router(context).into_make_service_with_connect_info::<ClientConnection>();
    let stopped = async move {
        // An error means that the `RunningSimulator` was dropped.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    };
    if let Err(error) = axum::serve(ResettableListener(listener), service).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the simulator stopped with an error");
    }
}

/// A handle of a running simulator. Dropping it stops the simulator without waiting.
pub struct RunningSimulator {
    address: SocketAddr,
    options: Options,
    context: Arc<ServerContext>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl fmt::Debug for RunningSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningSimulator")
            .field("address", &self.address)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl RunningSimulator {
    /// Returns `http://127.0.0.1:PORT/graphql`, for `ADMINISTRATE_API_URL`.
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.instance_url())
    }

    /// Returns `http://127.0.0.1:PORT/oauth`, for `ADMINISTRATE_AUTH_URL`.
    pub fn auth_url(&self) -> String {
        format!("{}/oauth", self.instance_url())
    }

    /// Returns `http://127.0.0.1:PORT`, for `ADMINISTRATE_INSTANCE_URL`.
    pub fn instance_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the accepted `client_id`.
    pub fn client_id(&self) -> &str {
        &self.options.credentials.id
    }

    /// Returns the accepted `client_secret`.
    pub fn client_secret(&self) -> &str {
        &self.options.credentials.secret
    }

    /// Returns a copy of the current tenant.
    pub fn tenant(&self) -> Tenant {
        self.context.state().tenant.clone()
    }

    /// Changes the tenant without the API, as a user of Administrate's own pages does. The change is not journalled:
    /// even with a state file it is lost at the next start.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Tenant) -> T) -> T {
        change(&mut self.context.state().tenant)
    }

    /// Adds a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.context.state().faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.context.state().faults.clear();
    }

    /// Expires all access tokens: the next request gets status 401.
    pub fn expire_tokens(&self) {
        self.context.state().oauth.expire_access_tokens();
    }

    /// Returns the request counts since the start or the last reset.
    pub fn requests(&self) -> Requests {
        self.context.state().requests.clone()
    }

    /// Waits until `requests` requests have arrived in all. The last of them may not be answered yet.
    pub async fn wait_for_arrived(&self, requests: u64) {
        // An error means that the sender was dropped, which is impossible while `self` exists.
        let _ = self.context.traffic.subscribe().wait_for(|traffic| traffic.arrived >= requests).await;
    }

    /// Waits until a fault has made `requests` requests hang, before or after their execution as the fault defines.
    pub async fn wait_for_hanging(&self, requests: u64) {
        let _ = self.context.traffic.subscribe().wait_for(|traffic| traffic.hanging >= requests).await;
    }

    /// Returns the mutations since the start or the last reset in order, including those refused by a domain rule.
    pub fn mutations(&self) -> Vec<Mutation> {
        self.context.state().mutations.clone()
    }

    /// Stops the simulator: closes the listener, ends running requests (hanging ones by a reset) and unlocks the state
    /// file.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the simulator panicked");
        }
    }
}
