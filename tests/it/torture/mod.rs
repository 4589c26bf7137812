//! Fault injection: the real program imports a timetable with one fault, then runs again until everything is delivered.
//! Both sides must then equal the result of an import without faults.
//!
//! The program is killed from outside, when the simulator receives or finishes a request: the product has no code for
//! this. A seed selects the fault, its time, and the commands that resume the import. `make torture` runs many seeds.

pub mod faults;
mod over_http;
pub mod scenarios;
pub mod snapshot;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use administrate_sim::{Options, Profile, Tenant};
use lectern::config::Config;
use lectern::timetable_import::run;
use tokio::process::{Child, Command};

use crate::fixtures::import::ImportFixture;
use crate::fixtures::test_db::TestDb;
use faults::{Chance, Fault};
use scenarios::Scenario;

/// Reruns after which everything must be delivered.
const MAX_RUNS: usize = 12;

const PENDING: &str = "SELECT count(*) FROM lectern.outbox WHERE state = 'pending'";

/// The result of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedResult {
    /// Exit code of the run with the fault; `None` when it was killed.
    pub first_exit: Option<i32>,
    /// Further runs until everything was delivered.
    pub reruns: usize,
    /// Items with an unknown outcome that had to be resolved manually.
    pub escalations: usize,
    /// Differences from the reference and other errors; empty for a correct program.
    pub errors: Vec<String>,
}

/// One seed's fixture, workbook and settings.
struct FaultRun {
    fixture: ImportFixture,
    file: PathBuf,
    chance: Chance,
    timeout_ms: u64,
    scenario: Scenario,
    /// Requests made before the import with the fault.
    before: u64,
}

/// The expected state of both sides after each scenario.
#[derive(Debug, Clone)]
pub struct ReferenceStates {
    new: String,
    changed: String,
}

/// Runs one seed.
pub async fn run_seed(seed: u64, (scenario, fault): (Scenario, Fault), reference: &ReferenceStates) -> SeedResult {
    let kills_postgres = matches!(fault, Fault::KillPostgres(..));
    let db = if kills_postgres { TestDb::private().await } else { TestDb::new().await.require_delivery() };
    let mut run = FaultRun::new(seed, scenario, fault.timeout_ms(), db).await;
    let first_exit = run.import_with_fault(fault).await;
    run.fixture.simulator.clear_faults();
    let mut result = SeedResult { first_exit, reruns: 0, escalations: 0, errors: Vec::new() };
    if kills_postgres && !run.is_quiet(first_exit).await {
        result.errors.push(format!("serve did not complete the import by itself: {}", run.stderr()));
    }
    let mut last = first_exit;
    while !run.is_quiet(last).await {
        if result.reruns == MAX_RUNS {
            result.errors.push("not delivered after the last rerun".into());
            break;
        }
        result.reruns += 1;
        result.escalations += run.resolve_unknown(&mut result.errors).await;
        last = run.rerun(&mut result.errors).await;
    }
    let found = snapshot::describe(&run.fixture).await;
    let expected = match scenario {
        Scenario::New => &reference.new,
        Scenario::Changed => &reference.changed,
    };
    if found != *expected {
        result.errors.push(snapshot::difference(expected, &found));
    }
    result
}

/// Returns the states of both sides after imports without faults.
pub async fn reference() -> ReferenceStates {
    ReferenceStates { new: reference_state(Scenario::New).await, changed: reference_state(Scenario::Changed).await }
}

async fn reference_state(scenario: Scenario) -> String {
    let db = TestDb::new().await.require_delivery();
    let mut run = FaultRun::new(0, scenario, 10_000, db).await;
    assert_eq!(run.run(&["import"]).await, Some(0), "{scenario:?} reference: {}", run.stderr());
    let requests = run.fixture.simulator.requests().total - run.before;
    assert_eq!(requests, scenario.requests(), "the numbers of faults must cover the requests of {scenario:?} exactly");
    snapshot::describe(&run.fixture).await
}

impl FaultRun {
    /// Creates both sides as they are before a scenario.
    async fn new(seed: u64, scenario: Scenario, timeout_ms: u64, db: TestDb) -> FaultRun {
        let folder = tempfile::tempdir().expect("a folder");
        let known = folder.path().join("known.xlsx");
        std::fs::write(&known, scenarios::all_rows()).expect("a file");
        let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
        let config = Config::load(Some(&defaults), |_| None, &[("data_dir", "/nowhere".into())]).expect("settings");
        let loaded = run::load(&known, &config).expect("readable");
        // The changed scenario removes session staff, which needs the extended API.
        let profile = if scenario == Scenario::Changed { Profile::EXTENDED } else { Profile::CLASSIC };
        let options = Options { profile, ..Options::default() };
        let fixture = ImportFixture::in_database(db, &loaded.timetable, options).await;
        fixture.simulator.edit(|tenant| tenant.add_administrator("Opal", "Finch"));
        snapshot::store_synced_records(&fixture).await;
        let file = fixture.db.folder().join("t.xlsx");
        std::fs::write(&file, Scenario::New.workbook()).expect("a file");
        // Setup must not time out, even on a busy machine.
        let setup_timeout_ms = 60_000;
        let chance = Chance::of(seed);
        let mut run =
            FaultRun { fixture, file, chance, timeout_ms: setup_timeout_ms, scenario: Scenario::New, before: 0 };
        if scenario == Scenario::Changed {
            assert_eq!(run.run(&["import"]).await, Some(0), "the import before the change: {}", run.stderr());
            std::fs::write(&run.file, scenario.workbook()).expect("a file");
            run.scenario = scenario;
            run.before = run.fixture.simulator.requests().total;
        }
        run.timeout_ms = timeout_ms;
        run
    }

    /// Returns everything that the program printed on stderr.
    fn stderr(&self) -> String {
        std::fs::read_to_string(self.fixture.db.folder().join("stderr")).unwrap_or_default()
    }

    fn publishes(&self) -> bool {
        self.scenario == Scenario::Changed
    }

    /// Starts the program; `import` alone imports the workbook.
    fn start(&mut self, arguments: &[&str]) -> Child {
        let file = self.file.to_string_lossy().into_owned();
        let mut command = self.fixture.program(arguments);
        if arguments[0] == "import" && !arguments.contains(&"retry") {
            command.arg(file).arg("--no-prompt");
            if self.publishes() {
                command.arg("--publish");
            }
        }
        command.env("LECTERN_HTTP_TIMEOUT_MS", self.timeout_ms.to_string());
        let stderr = std::fs::File::options().create(true).append(true).open(self.fixture.db.folder().join("stderr"));
        command.arg("--json").stdout(Stdio::null()).stderr(stderr.expect("a file"));
        Command::from(command).kill_on_drop(true).spawn().expect("the program starts")
    }

    async fn run(&mut self, arguments: &[&str]) -> Option<i32> {
        let mut child = self.start(arguments);
        let timeout = Duration::from_secs(60);
        tokio::time::timeout(timeout, child.wait()).await.ok()?.expect("it ends").code()
    }

    /// Returns whether everything is imported and delivered.
    async fn is_quiet(&self, last: Option<i32>) -> bool {
        last == Some(0) && self.undelivered().await == 0 && self.events().await == self.scenario.events()
    }

    async fn undelivered(&self) -> i64 {
        self.fixture.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await
    }

    async fn events(&self) -> i64 {
        self.fixture.count("SELECT count(*) FROM acted.tutorial_events").await
    }

    /// Continues with one of the commands that resume an import.
    async fn rerun(&mut self, wrong: &mut Vec<String>) -> Option<i32> {
        if self.events().await < self.scenario.events() {
            return self.run(&["import"]).await;
        }
        match self.chance.below(4) {
            0 => self.run(&["import"]).await,
            1 => self.run(&["outbox", "retry"]).await,
            2 if self.fixture.count(PENDING).await > 0 => {
                if !self.serve().await {
                    wrong.push("serve did not deliver what was due".into());
                }
                self.run(&["outbox"]).await
            }
            _ => self.run(&["import", "retry"]).await,
        }
    }

    /// Makes pending items due, lets the worker of `serve` deliver them, then terminates it.
    async fn serve(&mut self) -> bool {
        snapshot::make_pending_due(&self.fixture).await;
        let mut child = self.start(&["serve", "--worker-only"]);
        let delivered = async {
            while self.fixture.count(PENDING).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let delivered = tokio::time::timeout(Duration::from_secs(30), delivered).await.is_ok();
        terminate(&child);
        delivered && child.wait().await.expect("it ends").success()
    }

    /// Resolves items with an unknown outcome as a user does: reads Administrate and decides.
    async fn resolve_unknown(&mut self, wrong: &mut Vec<String>) -> usize {
        let unknown = snapshot::unknown(&self.fixture).await;
        for (id, title, why) in &unknown {
            let numbers: Vec<u64> =
                self.fixture.simulator.tenant().events_titled(title).map(|(number, _)| number).collect();
            let id = id.to_string();
            match numbers.as_slice() {
                [] => wrong.push(format!("{title} is unknown although Administrate does not have it: {why}")),
                [_] => wrong.push(format!("{title} is unknown although Administrate has it once: {why}")),
                [first, rest @ ..] => {
                    for number in rest {
                        self.fixture.simulator.edit(|tenant| tenant.events.remove(number));
                    }
                    self.run(&["outbox", "resolve", &id, "--delivered", &Tenant::course_id(*first)]).await;
                }
            }
        }
        unknown.len()
    }
}

/// Sends SIGTERM.
fn terminate(child: &Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM);
    }
}
