//! What goes wrong, and when.

use std::time::Duration;

use administrate_sim::{Action, Fault as SimulatorFault, When};
use tokio::process::Child;

use super::scenarios::Scenario;
use super::{FaultRun, snapshot, terminate};

/// How many kinds of fault take turns.
pub const KINDS: u64 = 21;

/// Longest time after a request, in microseconds, that a kill between two requests waits.
const BETWEEN_MICROS: u64 = 12_000;

/// Longest life of a program that is killed at a random instant, in milliseconds.
const LIFE_MS: u64 = 900;

/// One thing that goes wrong during an import. Requests count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Killed while a request is under way and Administrate has not begun it.
    KillBefore(u64),
    /// Killed after Administrate has done what the request says, before it answers.
    KillAfter(u64),
    /// Killed a little after a request arrived: in its midst, or in what the program does here after it.
    KillBetween(u64, u64),
    /// Killed so many milliseconds after its start.
    KillAt(u64),
    /// Told to end when a request arrives.
    Terminate(u64),
    /// The connection is reset.
    Reset(u64, When),
    /// No answer until the time is up.
    Hang(u64, When),
    /// An HTTP status; perhaps with seconds to wait.
    Status(u64, u16, Option<u32>),
    /// Administrate is down from a request on, for so many of them.
    Down(u64, u64),
    /// Every so many-th request is reset after it was done.
    Flaky(u64),
    /// A creation is not answered, and carried out only after the next one.
    Late(u64),
    /// Queued, then two workers at once, of which one is killed when so many requests arrived.
    TwoWorkers(u64),
    /// The same import twice at once, of which one is killed when so many requests arrived.
    TwoImports(u64),
    /// PostgreSQL ends every connection when a request arrives, as where it is started anew.
    Cut(u64),
    /// Asked for over HTTP, and called off there when so many requests arrived.
    CancelledOverHttp(u64),
}

impl Fault {
    /// The fault of a seed, and the scenario in which it falls: they take turns, so that each kind falls about equally often.
    pub fn of(seed: u64) -> (Scenario, Fault) {
        let scenario = if (seed / KINDS).is_multiple_of(2) { Scenario::New } else { Scenario::Changed };
        let mut chance = Chance::of(seed ^ 0xB10);
        let at = 1 + chance.below(scenario.requests());
        let fault = match seed % KINDS {
            0 | 1 => Fault::KillBefore(at),
            2 | 3 => Fault::KillAfter(at),
            4 | 5 => Fault::KillBetween(at, chance.below(BETWEEN_MICROS)),
            6 => Fault::KillAt(chance.below(LIFE_MS)),
            7 => Fault::Terminate(at),
            8 => Fault::Reset(at, When::Before),
            9 => Fault::Reset(at, When::After),
            10 => Fault::Hang(at, When::Before),
            11 => Fault::Hang(at, When::After),
            12 => Fault::Status(at, 429, chance.one_in(4).then_some(1)),
            13 => Fault::Status(at, [500, 502, 503, 504][chance.below(4) as usize], None),
            14 => Fault::Down(at, 1 + chance.below(40)),
            15 => Fault::Flaky(2 + chance.below(4)),
            16 => Fault::Late(1 + chance.below(scenario.creations())),
            17 => Fault::TwoWorkers(at),
            18 => Fault::TwoImports(at),
            19 => Fault::Cut(at),
            _ => Fault::CancelledOverHttp(at),
        };
        (scenario, fault)
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Fault::KillBefore(_) => "kill, request not begun",
            Fault::KillAfter(_) => "kill, request done",
            Fault::KillBetween(..) => "kill between requests",
            Fault::KillAt(_) => "kill at any instant",
            Fault::Terminate(_) => "SIGTERM",
            Fault::Reset(_, When::Before) => "reset, request not begun",
            Fault::Reset(_, When::After) => "reset, request done",
            Fault::Hang(_, When::Before) => "timeout, request not begun",
            Fault::Hang(_, When::After) => "timeout, request done",
            Fault::Status(_, 429, None) => "429",
            Fault::Status(_, 429, Some(_)) => "429 with Retry-After",
            Fault::Status(..) => "5xx",
            Fault::Down(..) => "down for a while",
            Fault::Flaky(_) => "every n-th answer lost",
            Fault::Late(_) => "creation carried out late",
            Fault::TwoWorkers(_) => "two workers, one killed",
            Fault::TwoImports(_) => "two imports at once, one killed",
            Fault::Cut(_) => "PostgreSQL connections cut",
            Fault::CancelledOverHttp(_) => "called off over HTTP",
        }
    }

    /// How long the program may wait for an answer: long, unless that is what goes wrong.
    pub fn timeout_ms(self) -> u64 {
        if matches!(self, Fault::Hang(..) | Fault::Late(_)) { 700 } else { 20_000 }
    }
}

impl FaultRun {
    /// Imports with a fault on the way; gives how the program ended, none where it was killed.
    pub(super) async fn import_with_fault(&mut self, fault: Fault) -> Option<i32> {
        let nth = |at, action| SimulatorFault::nth("*", at, action);
        match fault {
            Fault::KillBefore(at) => self.killed_at(at, When::Before).await,
            Fault::KillAfter(at) => self.killed_at(at, When::After).await,
            Fault::KillBetween(at, micros) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.fixture.simulator.wait_for_arrived(self.before + at) => {}
                }
                tokio::time::sleep(Duration::from_micros(micros)).await;
                kill(child).await
            }
            Fault::KillAt(ms) => {
                let child = self.start(&["import"]);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                kill(child).await
            }
            Fault::Terminate(at) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.fixture.simulator.wait_for_arrived(self.before + at) => {}
                }
                terminate(&child);
                child.wait().await.expect("it ends").code()
            }
            Fault::TwoWorkers(at) => {
                self.run(&["import", "--deliver", "queue"]).await;
                self.two_at_once(&["outbox", "run"], at).await
            }
            Fault::TwoImports(at) => self.two_at_once(&["import"], at).await,
            Fault::Cut(at) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.fixture.simulator.wait_for_arrived(self.before + at) => {}
                }
                snapshot::cut_connections(&self.fixture).await;
                child.wait().await.expect("it ends").code()
            }
            Fault::CancelledOverHttp(at) => self.cancel_over_http(at).await,
            Fault::Late(at) => self.import_with(SimulatorFault::nth("event.createBlended", at, Action::Late)).await,
            Fault::Reset(at, when) => self.import_with(nth(at, Action::Reset { when })).await,
            Fault::Hang(at, when) => self.import_with(nth(at, Action::Hang { when })).await,
            Fault::Status(at, status, retry_after) => {
                self.import_with(nth(at, Action::Status { status, retry_after })).await
            }
            Fault::Down(at, times) => {
                let down = nth(at, Action::Status { status: 503, retry_after: None });
                self.import_with(SimulatorFault { times, ..down }).await
            }
            Fault::Flaky(every) => {
                let lost = nth(every, Action::Reset { when: When::After });
                self.import_with(SimulatorFault { every, times: 0, ..lost }).await
            }
        }
    }

    async fn import_with(&mut self, fault: SimulatorFault) -> Option<i32> {
        self.fixture.simulator.add_fault(fault);
        self.run(&["import"]).await
    }

    async fn killed_at(&mut self, at: u64, when: When) -> Option<i32> {
        self.fixture.simulator.add_fault(SimulatorFault::nth("*", at, Action::Hang { when }));
        let mut child = self.start(&["import"]);
        tokio::select! {
            ended = child.wait() => return ended.expect("it ends").code(),
            () = self.fixture.simulator.wait_for_hanging(1) => {}
        }
        kill(child).await
    }

    /// Two processes at once, of which one is killed; gives how the other ended.
    async fn two_at_once(&mut self, arguments: &[&str], at: u64) -> Option<i32> {
        let mut one = self.start(arguments);
        let mut other = self.start(arguments);
        tokio::select! {
            _ = one.wait() => {}
            () = self.fixture.simulator.wait_for_arrived(self.before + at) => {}
        }
        kill(one).await;
        other.wait().await.expect("it ends").code()
    }
}

async fn kill(mut child: Child) -> Option<i32> {
    // An error means that it has ended already.
    let _ = child.kill().await;
    child.wait().await.expect("it ends").code()
}

/// Numbers that look random and are the same for the same seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    /// The numbers of a seed.
    pub fn of(seed: u64) -> Chance {
        Chance(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}
