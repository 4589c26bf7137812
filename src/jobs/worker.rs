//! The worker of requested runs: takes up what nobody carries out, one import and one sync at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Further, Kind, Request, store};
use crate::config::Config;
use crate::error::{Error, Exit, Result};
use crate::sync;
use crate::sync::{Entity, Summary, Sync};
use crate::timetable_import::apply::Also;
use crate::timetable_import::report::Document;
use crate::timetable_import::run;
use crate::timetable_import::run::Asked;
use crate::timetable_import::undo;
use crate::{outbox, runs};

/// How often it is looked for something to do, and whether what is being done was called off.
const REST: Duration = Duration::from_millis(250);

/// How long nothing is tried after the database could not be used.
const REST_AFTER_OUTAGE: Duration = Duration::from_secs(15);

/// Where the file of an import is kept until it has ended.
pub fn upload_folder(data_dir: &Path, run: i64) -> PathBuf {
    data_dir.join("uploads").join(run.to_string())
}

/// Works until stopped. What is under way then stays open, and the next process takes it up.
pub async fn work(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    let worker = Worker { pool, config, stop };
    tokio::join!(worker.lane(Kind::Import), worker.lane(Kind::Sync));
}

#[derive(Clone)]
struct Worker {
    pool: PgPool,
    config: Arc<Config>,
    stop: CancellationToken,
}

/// How a run ended: its document and exit.
type Ended = (Value, Exit);

impl Worker {
    async fn lane(&self, kind: Kind) {
        while !self.stop.is_cancelled() {
            let rest = match self.next(kind).await {
                Ok(true) => continue,
                Ok(false) => REST,
                Err(error) => {
                    tracing::error!(%error, kind = kind.name(), "requested runs could not be carried out");
                    REST_AFTER_OUTAGE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Carries out the oldest run that nobody else has; gives whether there was one.
    async fn next(&self, kind: Kind) -> Result<bool> {
        for run in store::open(&self.pool, kind).await? {
            let Some(held) = runs::hold(&self.pool, run).await? else { continue };
            let done = self.carry_out(run).await;
            held.release().await?;
            return done.map(|()| true);
        }
        Ok(false)
    }

    async fn carry_out(&self, run: i64) -> Result<()> {
        // Between being listed and being held, somebody else may have ended it.
        let Some((request, cancelled)) = store::open_request(&self.pool, run).await? else { return Ok(()) };
        let (mut document, exit) = match cancelled {
            true => nothing(&request, &Error::NeedsPerson("it was called off before anything was done".into())),
            false => self.attend(run, &request).await?,
        };
        let mut db = self.pool.acquire().await?;
        let cancelled = store::is_cancelled(&self.pool, run).await?;
        if self.stop.is_cancelled() && !cancelled && exit != Exit::Done {
            return runs::reopen(&mut db, run).await;
        }
        if cancelled && request.kind() == Kind::Import {
            // Called off means that nobody else goes on with it either.
            let why = format!("the import was called off; `lectern import retry {run}` goes on with it");
            outbox::set_aside(&self.pool, run, &why).await?;
        }
        document["run_id"] = run.into();
        runs::finish(&mut db, run, exit, &document).await?;
        drop(db);
        if request.kind() == Kind::Import {
            let folder = upload_folder(&self.config.data_dir, run);
            if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
                tracing::debug!(%error, folder = %folder.display(), "an upload could not be removed");
            }
        }
        Ok(())
    }

    /// Does what is asked while watching whether it is called off.
    async fn attend(&self, run: i64, request: &Request) -> Result<Ended> {
        let cancel = self.stop.child_token();
        let (worker, asked, token) = (self.clone(), request.clone(), cancel.clone());
        let doing = tokio::spawn(async move { worker.run(run, &asked, token).await });
        tokio::pin!(doing);
        let done = loop {
            tokio::select! {
                done = &mut doing => break done,
                () = tokio::time::sleep(REST), if !cancel.is_cancelled() => {
                    if store::is_cancelled(&self.pool, run).await.unwrap_or(false) {
                        cancel.cancel();
                    }
                }
            }
        };
        let done = done.unwrap_or_else(|error| {
            tracing::error!(%error, run, "a requested run met a defect");
            Err(Error::Failed("this is a defect of Lectern; its log says more".into()))
        });
        match done {
            // The run stays open, and goes on when the database is back.
            Err(error) if error.is_lost_database() => Err(error),
            done => Ok(done.unwrap_or_else(|error| nothing(request, &error))),
        }
    }

    async fn run(&self, run: i64, request: &Request, cancel: CancellationToken) -> Result<Ended> {
        match request {
            Request::Import { file, dry_run, deliver, further } => {
                let Further { publish, delete_drafts, ours, approve_instructors, create_instructors } = *further;
                let path = upload_folder(&self.config.data_dir, run).join(file);
                let asked = Asked {
                    file: path,
                    dry_run: *dry_run,
                    deliver: *deliver,
                    report: None,
                    approve_instructors,
                    create_instructors,
                    ours,
                    also: Also { publish, delete_drafts },
                    run: Some(run),
                };
                self.import(asked, &cancel).await
            }
            Request::Undo { import, dry_run } => self.undo(run, (*import, *dry_run), &cancel).await,
            Request::Sync { entity, dry_run, only, skip_errors } => {
                let options = sync::Options {
                    dry_run: *dry_run,
                    only: only.clone(),
                    skip_errors: *skip_errors,
                    ..sync::Options::default()
                };
                self.sync(run, *entity, options, cancel).await
            }
        }
    }

    async fn import(&self, mut asked: Asked, cancel: &CancellationToken) -> Result<Ended> {
        if asked.dry_run {
            asked.report = self.report_of(asked.run);
        }
        let (file, config) = (asked.file.clone(), self.config.clone());
        let loaded = tokio::task::spawn_blocking(move || run::load_fit(&file, &config)).await;
        let loaded =
            match loaded.map_err(|error| Error::Failed(format!("reading the workbook was cut off: {error}")))? {
                Ok(loaded) => loaded,
                Err(problems) => {
                    let document = Document::of_problems(run::name_of(&asked.file), asked.dry_run, problems);
                    return Ok((value(&document)?, Exit::Failed));
                }
            };
        let imported = run::import(&self.pool, &self.config, (&loaded, &asked), cancel, |_| true, |_| ()).await?;
        Ok((value(&imported.document)?, imported.exit))
    }

    async fn undo(&self, run: i64, (import, dry_run): (i64, bool), cancel: &CancellationToken) -> Result<Ended> {
        let mut undone = undo::plan(&self.pool, import).await?;
        if !dry_run && undone.refused.is_empty() {
            undo::take_back(&self.pool, &self.config, (&mut undone, Some(run)), cancel, |_| ()).await?;
        }
        Ok((value(&undone)?, undone.exit()))
    }

    fn report_of(&self, run: Option<i64>) -> Option<PathBuf> {
        run.map(|run| self.config.data_dir.join("reports").join(format!("import-{run}.xlsx")))
    }

    async fn sync(
        &self,
        run: i64,
        entity: Option<Entity>,
        options: sync::Options,
        cancel: CancellationToken,
    ) -> Result<Ended> {
        let command = format!("sync {}", entity.map_or("all", Entity::name));
        let mut sync = Sync::open(&self.pool, &self.config, &command, options, cancel).await?;
        match entity {
            Some(entity) => {
                let report = sync.in_run(run).entity(entity).await;
                Ok((value(&report)?, report.kept_exit()))
            }
            None => {
                let summary = sync.all().await;
                Ok((value(&summary)?, summary.exit()))
            }
        }
    }
}

/// The end of a run in which nothing was done, and why.
fn nothing(request: &Request, why: &Error) -> Ended {
    let document = match request {
        Request::Import { file, dry_run, .. } => value(&Document::of_problems(file.clone(), *dry_run, Vec::new())),
        Request::Undo { import, .. } => Ok(json!({ "undone_run": import })),
        Request::Sync { entity: Some(entity), dry_run, .. } => {
            value(&sync::Report::ended(*entity, None, *dry_run, why))
        }
        Request::Sync { entity: None, .. } => value(&Summary::of(Vec::new())),
    };
    let mut document = document.unwrap_or_else(|_| json!({}));
    document["error"] = why.to_string().into();
    (document, why.exit())
}

fn value(document: &impl Serialize) -> Result<Value> {
    serde_json::to_value(document).map_err(|error| Error::Failed(format!("the document cannot be written: {error}")))
}
