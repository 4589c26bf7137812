//! A simulator that serves: its addresses, what happened in it, and how to disturb it.

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
        /// What the system said.
        source: io::Error,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The recording cannot be read.
    #[error("the recording in {folder} cannot be read: {source}", folder = folder.display())]
    Replay {
        /// Where it was looked for.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The schema's text is wrong: a defect of this crate.
    #[error("the simulator's schema is not valid: {0}")]
    Schema(String),
}

impl Simulator {
    /// Starts a simulator on the current tokio runtime. Where `options.state` names an existing file, that one's tenant is
    /// served; else `seed`.
    ///
    /// # Errors
    /// The address is taken, or the state file cannot be used.
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
        let timing = (Arc::clone(&options.clock), options.latency);
        let context = Arc::new(ServerContext::new(schema, timing, seed, stopping.clone(), replay, state));
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
        tracing::error!(%error, "the simulator stopped serving");
    }
}

/// A running simulator. Dropping it stops it too, without waiting.
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
    /// `http://127.0.0.1:PORT/graphql`, for `ADMINISTRATE_API_URL`.
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.instance_url())
    }

    /// `http://127.0.0.1:PORT/oauth`, for `ADMINISTRATE_AUTH_URL`.
    pub fn auth_url(&self) -> String {
        format!("{}/oauth", self.instance_url())
    }

    /// `http://127.0.0.1:PORT`, for `ADMINISTRATE_INSTANCE_URL`.
    pub fn instance_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `client_id` of the client that may log in.
    pub fn client_id(&self) -> &str {
        &self.options.credentials.id
    }

    /// Its `client_secret`.
    pub fn client_secret(&self) -> &str {
        &self.options.credentials.secret
    }

    /// A copy of the tenant as it is now.
    pub fn tenant(&self) -> Tenant {
        self.context.state().tenant.clone()
    }

    /// Changes the tenant behind the API's back, as a person in Administrate's own pages does. Not journalled: with a state
    /// file, such a change lasts until the next start only.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Tenant) -> T) -> T {
        change(&mut self.context.state().tenant)
    }

    /// Adds a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.context.state().faults.add(fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.context.state().faults.clear();
    }

    /// Ends all access tokens now: the next request hears 401.
    pub fn expire_tokens(&self) {
        self.context.state().oauth.expire_access_tokens();
    }

    /// Requests so far.
    pub fn requests(&self) -> Requests {
        self.context.state().requests.clone()
    }

    /// Returns once so many requests have arrived in all; the last of them may not be answered yet.
    pub async fn wait_for_arrived(&self, requests: u64) {
        // An error means that the simulator is gone, which cannot be while we hold it.
        let _ = self.context.traffic.subscribe().wait_for(|traffic| traffic.arrived >= requests).await;
    }

    /// Returns once so many requests hang by a fault: not begun, or done and not answered, whichever it says.
    pub async fn wait_for_hanging(&self, requests: u64) {
        let _ = self.context.traffic.subscribe().wait_for(|traffic| traffic.hanging >= requests).await;
    }

    /// Mutations of this run in order, those included that a rule of the trade refused.
    pub fn mutations(&self) -> Vec<Mutation> {
        self.context.state().mutations.clone()
    }

    /// Stops: no new connections, running requests end (hanging ones by a reset), the state file is free again.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the simulator ended by a panic");
        }
    }
}
