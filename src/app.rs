//! What every command receives: settings, console, cancellation and the database.

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::Console;
use crate::database::Database;
use crate::error::Result;

/// The dependencies of one command.
#[derive(Debug, Clone)]
pub struct Context {
    /// Effective settings.
    pub config: Config,
    /// Terminal input and output.
    pub console: Console,
    /// Cancelled by Ctrl-C and SIGTERM: the command ends between two steps.
    pub stop: CancellationToken,
}

impl Context {
    /// Opens the database and checks that it has this program's schema.
    ///
    /// # Errors
    /// [`Error::Prerequisite`](crate::error::Error::Prerequisite) where the schema is older, else the database's.
    pub async fn database(&self) -> Result<Database> {
        Database::open_ready(&self.config).await
    }
}
