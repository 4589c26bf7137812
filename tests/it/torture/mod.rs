//! Torture: the real program imports a timetable while one thing goes wrong, then is run again until it is quiet; and
//! what then stands on both sides must be what an undisturbed import leaves there.
//!
//! The program is killed from outside, where the simulator sees a request arrive or finishes it: nothing in the product
//! knows of this. A seed says what goes wrong, when, and by which command things go on. `make torture` runs many.

pub mod blows;
pub mod both_sides;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use administrate_sim::Tenant;
use lectern::config::Config;
use lectern::timetable_import::importing;
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::writing::{self, Line};
use tokio::process::{Child, Command};

use crate::rehearsed::Rehearsed;
use blows::{Blow, Chance};

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
}

/// Plays one seed. `undisturbed`: what both sides must be in the end, from [`reference`].
pub async fn play(seed: u64, blow: Blow, undisturbed: &str) -> Ended {
    let mut stage = Stage::set(seed, blow.timeout_ms()).await;
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
    let found = both_sides::told(&stage.sides).await;
    if found != undisturbed {
        ended.wrong.push(both_sides::difference(undisturbed, &found));
    }
    ended
}

/// What both sides are after an import that nothing disturbed.
pub async fn reference() -> String {
    let mut stage = Stage::set(0, 10_000).await;
    let mut child = stage.start(&["import"]);
    let ended = child.wait().await.expect("it ends");
    assert!(ended.success(), "the undisturbed import failed: {ended}");
    let requests = stage.sides.administrate.requests().total;
    assert_eq!(requests, blows::REQUESTS, "blows are to strike each request, and nothing beyond the last");
    both_sides::told(&stage.sides).await
}

impl Stage {
    async fn set(seed: u64, timeout_ms: u64) -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let known = folder.path().join("known.xlsx");
        std::fs::write(&known, workbook()).expect("a file");
        let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
        let config = Config::load(Some(&defaults), |_| None, &[("data_dir", "/nowhere".into())]).expect("settings");
        let loaded = importing::load(&known, &config).expect("readable");
        let sides = Rehearsed::new(&loaded.timetable).await;
        sides.administrate.edit(|tenant| tenant.add_administrator("Opal", "Finch"));
        both_sides::keep_facts(&sides).await;
        let file = sides.world.folder().join("t.xlsx");
        std::fs::write(&file, workbook()).expect("a file");
        Stage { sides, file, chance: Chance::of(seed), timeout_ms }
    }

    /// Starts the program; `import` alone stands for the import of the workbook.
    fn start(&mut self, arguments: &[&str]) -> Child {
        let file = self.file.to_string_lossy().into_owned();
        let mut command = self.sides.program(arguments);
        if arguments[0] == "import" && !arguments.contains(&"retry") {
            command.arg(file).arg("--no-prompt");
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
        last == Some(0) && self.open().await == 0 && self.events().await == TITLES.len() as i64
    }

    async fn open(&self) -> i64 {
        self.sides.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await
    }

    async fn events(&self) -> i64 {
        self.sides.count("SELECT count(*) FROM acted.tutorial_events").await
    }

    /// Goes on by one of the ways there are.
    async fn go_on(&mut self, wrong: &mut Vec<String>) -> Option<i32> {
        if self.events().await < TITLES.len() as i64 {
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
        both_sides::let_time_pass(&self.sides).await;
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
        let unknown = both_sides::unknown(&self.sides).await;
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

/// The events of the timetable: two days with two people and an administrator, one day, self-paced.
pub const TITLES: [&str; 3] = ["TWO-DAYS", "ONE-DAY", "SELF-PACED"];

fn workbook() -> Vec<u8> {
    let day = |title: &str, day: i32, date: &str| -> Line {
        vec![
            (F::SessionTitle, format!("{title}-{day}").into()),
            (F::TimeZone, "Europe - London".into()),
            (F::StartDate, date.into()),
            (F::StartTime, "09:30".into()),
            (F::EndDate, date.into()),
            (F::EndTime, "17:00".into()),
            (F::Day, day.into()),
        ]
    };
    let event = |title: &str, template: &str, people: &str| -> Line {
        let mut line = day(title, 1, "13/06/2026");
        line.extend([
            (F::Template, template.into()),
            (F::EventTitle, title.into()),
            (F::LearningMode, "Blended".into()),
            (F::Location, "London".into()),
            (F::Venue, "King's Cross".into()),
            (F::LmsStartDate, "22/04/2026".into()),
            (F::LmsStartTime, "16:00".into()),
            (F::LmsEndDate, "10/09/2026".into()),
            (F::LmsEndTime, "00:00".into()),
            (F::MaxPlaces, 12.into()),
            (F::Instructor, people.into()),
            (F::Sitting, "2026A".into()),
        ]);
        line
    };
    let mut two_days = event(TITLES[0], "CB1_f2f_2", "Ada Marlow / Bea Thorn");
    two_days.push((F::Administrator, "Opal Finch".into()));
    let one_day = event(TITLES[1], "CB1_f2f_1", "Bea Thorn");
    let self_paced: Line = vec![
        (F::Template, "OC_CB1".into()),
        (F::EventTitle, TITLES[2].into()),
        (F::LearningMode, "Self Paced (LMS)".into()),
        (F::Location, "Online".into()),
        (F::TimeZone, "Europe - London".into()),
        (F::LmsStartDate, "01/04/2026".into()),
        (F::LmsStartTime, "00:00".into()),
        (F::LmsEndDate, "30/09/2026".into()),
        (F::LmsEndTime, "00:00".into()),
        (F::Sitting, "2026A".into()),
    ];
    writing::timetable(&[two_days, day(TITLES[0], 2, "20/06/2026"), one_day, self_paced]).expect("a workbook")
}

/// A short selection; `make torture` plays a thousand.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_both_sides_end_as_if_nothing_had() {
    let undisturbed = reference().await;
    for seed in 0..18 {
        let blow = Blow::of(seed);
        let ended = play(seed, blow, &undisturbed).await;
        assert_eq!(ended.wrong, Vec::<String>::new(), "seed {seed}, {}: {blow:?}, {ended:?}", blow.name());
    }
}
