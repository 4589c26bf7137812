//! What goes wrong, and when.

use std::time::Duration;

use administrate_sim::{Action, Fault, When};
use tokio::process::Child;

use super::scenarios::Act;
use super::{Stage, snapshot, terminate};

/// How many kinds of blow take turns.
pub const KINDS: u64 = 21;

/// Longest time after a request, in microseconds, that a kill between two requests waits.
const BETWEEN_MICROS: u64 = 12_000;

/// Longest life of a program that is killed at a random instant, in milliseconds.
const LIFE_MS: u64 = 900;

/// One thing that goes wrong during an import. Requests count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
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
    CalledOff(u64),
}

impl Blow {
    /// The blow of a seed, and the act in which it falls: they take turns, so that each kind falls about equally often.
    pub fn of(seed: u64) -> (Act, Blow) {
        let act = if (seed / KINDS).is_multiple_of(2) { Act::New } else { Act::Changed };
        let mut chance = Chance::of(seed ^ 0xB10);
        let at = 1 + chance.below(act.requests());
        let blow = match seed % KINDS {
            0 | 1 => Blow::KillBefore(at),
            2 | 3 => Blow::KillAfter(at),
            4 | 5 => Blow::KillBetween(at, chance.below(BETWEEN_MICROS)),
            6 => Blow::KillAt(chance.below(LIFE_MS)),
            7 => Blow::Terminate(at),
            8 => Blow::Reset(at, When::Before),
            9 => Blow::Reset(at, When::After),
            10 => Blow::Hang(at, When::Before),
            11 => Blow::Hang(at, When::After),
            12 => Blow::Status(at, 429, chance.one_in(4).then_some(1)),
            13 => Blow::Status(at, [500, 502, 503, 504][chance.below(4) as usize], None),
            14 => Blow::Down(at, 1 + chance.below(40)),
            15 => Blow::Flaky(2 + chance.below(4)),
            16 => Blow::Late(1 + chance.below(act.creations())),
            17 => Blow::TwoWorkers(at),
            18 => Blow::TwoImports(at),
            19 => Blow::Cut(at),
            _ => Blow::CalledOff(at),
        };
        (act, blow)
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Blow::KillBefore(_) => "kill, request not begun",
            Blow::KillAfter(_) => "kill, request done",
            Blow::KillBetween(..) => "kill between requests",
            Blow::KillAt(_) => "kill at any instant",
            Blow::Terminate(_) => "SIGTERM",
            Blow::Reset(_, When::Before) => "reset, request not begun",
            Blow::Reset(_, When::After) => "reset, request done",
            Blow::Hang(_, When::Before) => "timeout, request not begun",
            Blow::Hang(_, When::After) => "timeout, request done",
            Blow::Status(_, 429, None) => "429",
            Blow::Status(_, 429, Some(_)) => "429 with Retry-After",
            Blow::Status(..) => "5xx",
            Blow::Down(..) => "down for a while",
            Blow::Flaky(_) => "every n-th answer lost",
            Blow::Late(_) => "creation carried out late",
            Blow::TwoWorkers(_) => "two workers, one killed",
            Blow::TwoImports(_) => "two imports at once, one killed",
            Blow::Cut(_) => "PostgreSQL connections cut",
            Blow::CalledOff(_) => "called off over HTTP",
        }
    }

    /// How long the program may wait for an answer: long, unless that is what goes wrong.
    pub fn timeout_ms(self) -> u64 {
        if matches!(self, Blow::Hang(..) | Blow::Late(_)) { 700 } else { 20_000 }
    }
}

impl Stage {
    /// Imports with a blow on the way; gives how the program ended, none where it was killed.
    pub(super) async fn disturbed(&mut self, blow: Blow) -> Option<i32> {
        let fault = |at, action| Fault::nth("*", at, action);
        match blow {
            Blow::KillBefore(at) => self.killed_at(at, When::Before).await,
            Blow::KillAfter(at) => self.killed_at(at, When::After).await,
            Blow::KillBetween(at, micros) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.sides.administrate.wait_for_arrived(self.before + at) => {}
                }
                tokio::time::sleep(Duration::from_micros(micros)).await;
                kill(child).await
            }
            Blow::KillAt(ms) => {
                let child = self.start(&["import"]);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                kill(child).await
            }
            Blow::Terminate(at) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.sides.administrate.wait_for_arrived(self.before + at) => {}
                }
                terminate(&child);
                child.wait().await.expect("it ends").code()
            }
            Blow::TwoWorkers(at) => {
                self.run(&["import", "--deliver", "queue"]).await;
                self.two_at_once(&["outbox", "run"], at).await
            }
            Blow::TwoImports(at) => self.two_at_once(&["import"], at).await,
            Blow::Cut(at) => {
                let mut child = self.start(&["import"]);
                tokio::select! {
                    ended = child.wait() => return ended.expect("it ends").code(),
                    () = self.sides.administrate.wait_for_arrived(self.before + at) => {}
                }
                snapshot::cut_connections(&self.sides).await;
                child.wait().await.expect("it ends").code()
            }
            Blow::CalledOff(at) => self.called_off(at).await,
            Blow::Late(at) => self.with(Fault::nth("event.createBlended", at, Action::Late)).await,
            Blow::Reset(at, when) => self.with(fault(at, Action::Reset { when })).await,
            Blow::Hang(at, when) => self.with(fault(at, Action::Hang { when })).await,
            Blow::Status(at, status, retry_after) => self.with(fault(at, Action::Status { status, retry_after })).await,
            Blow::Down(at, times) => {
                let down = fault(at, Action::Status { status: 503, retry_after: None });
                self.with(Fault { times, ..down }).await
            }
            Blow::Flaky(every) => {
                let lost = fault(every, Action::Reset { when: When::After });
                self.with(Fault { every, times: 0, ..lost }).await
            }
        }
    }

    async fn with(&mut self, fault: Fault) -> Option<i32> {
        self.sides.administrate.add_fault(fault);
        self.run(&["import"]).await
    }

    async fn killed_at(&mut self, at: u64, when: When) -> Option<i32> {
        self.sides.administrate.add_fault(Fault::nth("*", at, Action::Hang { when }));
        let mut child = self.start(&["import"]);
        tokio::select! {
            ended = child.wait() => return ended.expect("it ends").code(),
            () = self.sides.administrate.wait_for_hanging(1) => {}
        }
        kill(child).await
    }

    /// Two processes at once, of which one is killed; gives how the other ended.
    async fn two_at_once(&mut self, arguments: &[&str], at: u64) -> Option<i32> {
        let mut one = self.start(arguments);
        let mut other = self.start(arguments);
        tokio::select! {
            _ = one.wait() => {}
            () = self.sides.administrate.wait_for_arrived(self.before + at) => {}
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
