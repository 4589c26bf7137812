//! The context that every command receives: settings, console, cancellation and the database.

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::config::effective::EffectiveSetting;
use crate::console::Console;
use crate::database::Database;
use crate::error::{Error, Result};

/// The dependencies of one command.
#[derive(Debug, Clone)]
pub struct Context {
    pub config: Config,
    /// The value and the source of each setting, for people.
    pub settings: Vec<EffectiveSetting>,
    pub console: Console,
    /// Cancelled by Ctrl-C and SIGTERM. The command then ends between two steps.
    pub stop: CancellationToken,
}

impl Context {
    /// Opens the database and checks that its schema is the one of this program.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when the schema is older, [`Error::Cancelled`] on Ctrl-C, else the database error.
    pub async fn database(&self) -> Result<Database> {
        self.announce_private_database();
        let opening = Database::open_ready(&self.config, &self.console, &self.stop);
        self.stop.run_until_cancelled(opening).await.unwrap_or(Err(Error::Cancelled))
    }

    /// Opens the database, whatever its schema is.
    ///
    /// # Errors
    /// [`Error::Cancelled`] on Ctrl-C, else the database error.
    pub async fn database_of_any_schema(&self) -> Result<Database> {
        self.announce_private_database();
        let opening = Database::open(&self.config, &self.console);
        self.stop.run_until_cancelled(opening).await.unwrap_or(Err(Error::Cancelled))
    }

    /// Says which private database the command uses, because the user may expect another one.
    fn announce_private_database(&self) {
        if self.config.database_url.is_empty() {
            let folder = self.config.data_dir.display();
            self.console
                .notify(format_args!("lectern: using the private database in {folder} (DATABASE_URL is not set)"));
        }
    }
}
