//! Torture: the real program imports a timetable while one thing goes wrong, then is run again until it is quiet; and
//! what then stands on both sides must be what an undisturbed import leaves there.
//!
//! The program is killed from outside, where the simulator sees a request arrive or finishes it: nothing in the product
//! knows of this. A seed says what goes wrong, when, and by which command things go on. `make torture` runs many.

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

use crate::fixtures::import::Rehearsed;
use faults::{Blow, Chance};
use scenarios::Act;

/// Runs after which things must be quiet.
const MOST_RUNS: usize = 12;

const PENDING: &str = "SELECT count(*) FROM lectern.outbox WHERE state = 'pending'";

/// What became of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit code of the run that was disturbed; none where it was killed.
    pub first: Option<i32>,
    /// Runs of the program that were needed after it.
    pub further: usize,
    /// Events of which a person had to say what they are.
    pub asked: usize,
    /// What is wrong; nothing in a product that keeps its promise.
    pub wrong: Vec<String>,
}

/// The stage of one seed: both sides, a workbook, and the program.
struct Stage {
    sides: Rehearsed,
    file: PathBuf,
    chance: Chance,
    timeout_ms: u64,
    act: Act,
    /// Requests that were made before the import that is disturbed.
    before: u64,
}

/// What both sides must be after each act.
#[derive(Debug, Clone)]
pub struct Undisturbed {
    new: String,
    changed: String,
}

/// Plays one seed.
pub async fn play(seed: u64, (act, blow): (Act, Blow), undisturbed: &Undisturbed) -> Ended {
    let mut stage = Stage::set(seed, act, blow.timeout_ms()).await;
    let first = stage.disturbed(blow).await;
    stage.sides.administrate.clear_faults();
    let mut ended = Ended { first, further: 0, asked: 0, wrong: Vec::new() };
    let mut last = first;
    while !stage.is_quiet(last).await {
        if ended.further == MOST_RUNS {
            ended.wrong.push("it does not come to rest".into());
            break;
        }
        ended.further += 1;
        ended.asked += stage.decide(&mut ended.wrong).await;
        last = stage.go_on(&mut ended.wrong).await;
    }
    let found = snapshot::told(&stage.sides).await;
    let expected = match act {
        Act::New => &undisturbed.new,
        Act::Changed => &undisturbed.changed,
    };
    if found != *expected {
        ended.wrong.push(snapshot::difference(expected, &found));
    }
    ended
}

/// What both sides are after imports that nothing disturbed.
pub async fn reference() -> Undisturbed {
    Undisturbed { new: undisturbed(Act::New).await, changed: undisturbed(Act::Changed).await }
}

async fn undisturbed(act: Act) -> String {
    let mut stage = Stage::set(0, act, 10_000).await;
    assert_eq!(stage.run(&["import"]).await, Some(0), "{act:?} undisturbed: {}", stage.said());
    let requests = stage.sides.administrate.requests().total - stage.before;
    assert_eq!(requests, act.requests(), "blows are to strike each request of {act:?}, and nothing beyond the last");
    snapshot::told(&stage.sides).await
}

impl Stage {
    /// Sets both sides as they are before an act.
    async fn set(seed: u64, act: Act, timeout_ms: u64) -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let known = folder.path().join("known.xlsx");
        std::fs::write(&known, scenarios::known()).expect("a file");
        let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
        let config = Config::load(Some(&defaults), |_| None, &[("data_dir", "/nowhere".into())]).expect("settings");
        let loaded = run::load(&known, &config).expect("readable");
        // Whom a change takes off a session, the API has to let go.
        let profile = if act == Act::Changed { Profile::EXTENDED } else { Profile::CLASSIC };
        let sides = Rehearsed::with(&loaded.timetable, Options { profile, ..Options::default() }).await;
        sides.administrate.edit(|tenant| tenant.add_administrator("Opal", "Finch"));
        snapshot::keep_facts(&sides).await;
        let file = sides.world.folder().join("t.xlsx");
        std::fs::write(&file, Act::New.workbook()).expect("a file");
        // What is set up is not to be disturbed, on however busy a machine.
        let patient_ms = 60_000;
        let chance = Chance::of(seed);
        let mut stage = Stage { sides, file, chance, timeout_ms: patient_ms, act: Act::New, before: 0 };
        if act == Act::Changed {
            assert_eq!(stage.run(&["import"]).await, Some(0), "the import before the change: {}", stage.said());
            std::fs::write(&stage.file, act.workbook()).expect("a file");
            stage.act = act;
            stage.before = stage.sides.administrate.requests().total;
        }
        stage.timeout_ms = timeout_ms;
        stage
    }

    /// What the program has said so far.
    fn said(&self) -> String {
        std::fs::read_to_string(self.sides.world.folder().join("said")).unwrap_or_default()
    }

    fn publishes(&self) -> bool {
        self.act == Act::Changed
    }

    /// Starts the program; `import` alone stands for the import of the workbook.
    fn start(&mut self, arguments: &[&str]) -> Child {
        let file = self.file.to_string_lossy().into_owned();
        let mut command = self.sides.program(arguments);
        if arguments[0] == "import" && !arguments.contains(&"retry") {
            command.arg(file).arg("--no-prompt");
            if self.publishes() {
                command.arg("--publish");
            }
        }
        command.env("LECTERN_HTTP_TIMEOUT_MS", self.timeout_ms.to_string());
        let said = std::fs::File::options().create(true).append(true).open(self.sides.world.folder().join("said"));
        command.arg("--json").stdout(Stdio::null()).stderr(said.expect("a file"));
        Command::from(command).kill_on_drop(true).spawn().expect("the program starts")
    }

    async fn run(&mut self, arguments: &[&str]) -> Option<i32> {
        let mut child = self.start(arguments);
        let patience = Duration::from_secs(60);
        tokio::time::timeout(patience, child.wait()).await.ok()?.expect("it ends").code()
    }

    /// Whether everything is where it should be, as far as the program itself says.
    async fn is_quiet(&self, last: Option<i32>) -> bool {
        last == Some(0) && self.open().await == 0 && self.events().await == self.act.events()
    }

    async fn open(&self) -> i64 {
        self.sides.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await
    }

    async fn events(&self) -> i64 {
        self.sides.count("SELECT count(*) FROM acted.tutorial_events").await
    }

    /// Goes on by one of the ways there are.
    async fn go_on(&mut self, wrong: &mut Vec<String>) -> Option<i32> {
        if self.events().await < self.act.events() {
            return self.run(&["import"]).await;
        }
        match self.chance.below(4) {
            0 => self.run(&["import"]).await,
            1 => self.run(&["outbox", "retry"]).await,
            2 if self.sides.count(PENDING).await > 0 => {
                if !self.serve().await {
                    wrong.push("serve did not deliver what was due".into());
                }
                self.run(&["outbox"]).await
            }
            _ => self.run(&["import", "retry"]).await,
        }
    }

    /// Lets the worker of `serve` deliver what waits, as if the time for it had come, then ends it politely.
    async fn serve(&mut self) -> bool {
        snapshot::let_time_pass(&self.sides).await;
        let mut child = self.start(&["serve", "--worker-only"]);
        let delivered = async {
            while self.sides.count(PENDING).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let delivered = tokio::time::timeout(Duration::from_secs(30), delivered).await.is_ok();
        terminate(&child);
        delivered && child.wait().await.expect("it ends").success()
    }

    /// Plays the person who is asked about what is unknown: looks into Administrate, and answers.
    async fn decide(&mut self, wrong: &mut Vec<String>) -> usize {
        let unknown = snapshot::unknown(&self.sides).await;
        for (id, title, why) in &unknown {
            let there: Vec<u64> =
                self.sides.administrate.tenant().events_titled(title).map(|(number, _)| number).collect();
            let id = id.to_string();
            match there.as_slice() {
                [] => wrong.push(format!("{title} is unknown although it is not there: {why}")),
                [_] => wrong.push(format!("{title} is unknown although it is there once: {why}")),
                [first, rest @ ..] => {
                    for number in rest {
                        self.sides.administrate.edit(|tenant| tenant.events.remove(number));
                    }
                    self.run(&["outbox", "resolve", &id, "--delivered", &Tenant::course_id(*first)]).await;
                }
            }
        }
        unknown.len()
    }
}

/// SIGTERM.
fn terminate(child: &Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM);
    }
}
