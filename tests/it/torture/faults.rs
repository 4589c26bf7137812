//! The injected faults and when they happen.

use std::time::Duration;

use administrate_sim::{Action, Fault as SimulatorFault, When};
use tokio::process::Child;

use super::scenarios::Scenario;
use super::{FaultRun, snapshot, terminate};

/// Number of kinds of faults, which take turns.
pub const KINDS: u64 = 22;

/// Longest delay of a kill after a request, in microseconds.
const BETWEEN_MICROS: u64 = 12_000;

/// Longest delay of a kill after the start, in milliseconds.
const LIFE_MS: u64 = 900;

/// One fault during an import. Requests count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Killed while a request is in flight and Administrate has not begun it.
    KillBefore(u64),
    /// Killed after Administrate has executed the request, before it responds.
    KillAfter(u64),
    /// Killed shortly after a request arrived: request number and microseconds.
    KillBetween(u64, u64),
    /// Killed this many milliseconds after its start.
    KillAt(u64),
    /// Terminated with SIGTERM when a request arrives.
    Terminate(u64),
    /// The connection is reset.
    Reset(u64, When),
    /// No response before the timeout.
    Hang(u64, When),
    /// An HTTP error status, optionally with Retry-After in seconds.
    Status(u64, u16, Option<u32>),
    /// Administrate is unavailable from a request on: first request and number of requests.
    Down(u64, u64),
    /// Every n-th request is executed and its response lost.
    Flaky(u64),
    /// A creation gets no response and is executed after the next one.
    Late(u64),
    /// Two workers deliver a queued import; one is killed when this request arrives.
    TwoWorkers(u64),
    /// The same import runs twice at once; one is killed when this request arrives.
    TwoImports(u64),
    /// PostgreSQL closes every connection when a request arrives, as at a restart.
    Cut(u64),
    /// Requested over HTTP from a server with a private PostgreSQL, which is killed shortly after a request arrived:
    /// request number and microseconds.
    KillPostgres(u64, u64),
    /// Requested over HTTP, and cancelled when this request arrives.
    CancelledOverHttp(u64),
}

impl Fault {
    /// Returns scenario and fault of a seed. Kinds take turns, so that each is about equally frequent.
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
            20 => Fault::KillPostgres(at, chance.below(BETWEEN_MICROS)),
            _ => Fault::CancelledOverHttp(at),
        };
        (scenario, fault)
    }

    /// Returns the name for the table of results.
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
            Fault::KillPostgres(..) => "PostgreSQL of serve killed",
            Fault::CancelledOverHttp(_) => "called off over HTTP",
        }
    }

    /// Returns the program's HTTP timeout: short only when a timeout is the fault.
    pub fn timeout_ms(self) -> u64 {
        if matches!(self, Fault::Hang(..) | Fault::Late(_)) { 700 } else { 20_000 }
    }
}

impl FaultRun {
    /// Imports with a fault and returns the exit code; `None` when the program was killed.
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
            Fault::KillPostgres(at, micros) => self.kill_postgres(at, Duration::from_micros(micros)).await,
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

    /// Starts two processes, kills one, and returns the exit code of the other.
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
    // An error means that the process has ended already.
    let _ = child.kill().await;
    child.wait().await.expect("it ends").code()
}

/// Pseudo-random numbers that depend only on the seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    /// Creates the sequence of a seed.
    pub fn of(seed: u64) -> Chance {
        Chance(seed)
    }

    /// Returns a number below `bound`.
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
