//! The context that every command receives: settings, console, cancellation and the database.

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::Console;
use crate::database::Database;
use crate::error::Result;

/// The dependencies of one command.
#[derive(Debug, Clone)]
pub struct Context {
    pub config: Config,
    pub console: Console,
    /// Cancelled by Ctrl-C and SIGTERM. The command then ends between two steps.
    pub stop: CancellationToken,
}

impl Context {
    /// Opens the database and checks that its schema is the one of this program.
    ///
    /// # Errors
    /// [`Error::Prerequisite`](crate::error::Error::Prerequisite) when the schema is older, else the database error.
    pub async fn database(&self) -> Result<Database> {
        Database::open_ready(&self.config, &self.stop).await
    }
}
