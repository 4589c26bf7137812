//! The threads that answer requests, apart from those of the workers.
//!
//! A search uses a processor for its whole duration. If requests and workers shared their threads, an import would wait
//! behind every search. The threads of requests also have a lower priority, so that workers and PostgreSQL go on while
//! requests use all processors.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// Niceness of the threads that answer requests: they get a third of the processor time of a thread without it.
const NICENESS: i32 = 5;

/// The runtime of requests. Dropping it ends what still runs in it.
#[derive(Debug)]
pub struct RequestRuntime(Option<Runtime>);

impl RequestRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn start() -> Result<RequestRuntime> {
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().thread_name("requests").on_thread_start(lower_priority);
        let runtime = builder.build().map_err(|error| Error::Failed(format!("cannot start threads: {error}")))?;
        Ok(RequestRuntime(Some(runtime)))
    }

    /// Runs a task on the threads, and waits for it.
    ///
    /// # Errors
    /// When the task panics.
    pub async fn run<T: Send + 'static>(&self, task: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let Some(runtime) = &self.0 else { return Err(Error::Cancelled) };
        runtime.spawn(task).await.unwrap_or_else(|error| Err(Error::Failed(format!("the server ended: {error}"))))
    }
}

impl Drop for RequestRuntime {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed inside another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread. On Linux each thread has its own.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
}
