//! Faults on demand: rules that say which call goes wrong, and how. No chance is involved.

pub(crate) mod corrupt;

use serde::{Deserialize, Serialize};

/// A rule. Rules are asked in the order they were given; the first that matches and still has times left acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Operation path: `event.createBlended`, `locations`, `token`; `*` for any.
    #[serde(default = "any")]
    pub on: String,
    /// Matching calls to let pass first: 0 strikes the first call, 2 the third.
    #[serde(default)]
    pub skip: u64,
    /// Strike every k-th matching call (after `skip`): 1 for each.
    #[serde(default = "one")]
    pub every: u64,
    /// How often to strike; 0 for without end.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens.
    pub action: Action,
}

fn any() -> String {
    "*".to_owned()
}

fn one() -> u64 {
    1
}

/// Before the request is carried out, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Nothing was done.
    Before,
    /// It was done, and kept.
    After,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An HTTP status with a plain body, nothing done. 429 may name `Retry-After` in seconds.
    Status {
        /// 429, 500, 503 …
        status: u16,
        /// Seconds of the `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The TCP connection is reset without an answer.
    Reset {
        /// Before or after the commit.
        when: When,
    },
    /// No answer until the client gives up (or the simulator stops).
    Hang {
        /// Before or after the commit.
        when: When,
    },
    /// No answer either; it is carried out all the same, but only after the next call of the same operation.
    Late,
    /// An empty `"errors": []` beside the data.
    EmptyErrors,
    /// A top-level error, `data` null, nothing done.
    Error {
        /// Its message.
        message: String,
    },
    /// The mutation is refused with a payload error.
    PayloadError {
        /// The input field blamed.
        #[serde(default)]
        label: Option<String>,
        /// Its message.
        message: String,
    },
    /// The mutation is carried out, and its payload has the object and an error.
    ObjectAndError {
        /// The error's message.
        message: String,
    },
    /// One node of the page is null.
    NullNode {
        /// Its index on the page.
        index: usize,
    },
    /// The page lacks its last rows; `pageInfo` does not tell.
    TruncatedPage {
        /// How many rows it keeps.
        keep: usize,
    },
    /// `totalRecords` is wrong.
    WrongTotal {
        /// By how much.
        by: i64,
    },
    /// The page's last row is its first row again.
    DuplicateRow,
    /// All access tokens end; this request is the first to hear 401.
    ExpireTokens,
}

impl Fault {
    /// A rule that strikes the first call of an operation, once.
    pub fn first(on: &str, action: Action) -> Self {
        Self { on: on.to_owned(), skip: 0, every: 1, times: 1, action }
    }

    /// A rule that strikes the n-th call of an operation (1 is the first), once.
    pub fn nth(on: &str, n: u64, action: Action) -> Self {
        Self { skip: n.saturating_sub(1), ..Self::first(on, action) }
    }

    /// A rule that strikes every call of an operation.
    pub fn always(on: &str, action: Action) -> Self {
        Self { times: 0, ..Self::first(on, action) }
    }

    fn matches(&self, operations: &[String]) -> bool {
        self.on == "*" || operations.contains(&self.on)
    }
}

/// The rules in force with what they have seen.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Faults {
    rules: Vec<ActiveRule>,
}

#[derive(Clone, Debug, Serialize)]
struct ActiveRule {
    fault: Fault,
    seen: u64,
    struck: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.rules.push(ActiveRule { fault, seen: 0, struck: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The action for a request with these operations. Every matching rule counts the call, one acts.
    pub(crate) fn trigger(&mut self, operations: &[String]) -> Option<Action> {
        let mut action = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.fault.matches(operations)) {
            if rule.is_due() && action.is_none() {
                rule.struck += 1;
                action = Some(rule.fault.action.clone());
            }
            rule.seen += 1;
        }
        action
    }
}

impl ActiveRule {
    fn is_due(&self) -> bool {
        let spent = self.fault.times > 0 && self.struck >= self.fault.times;
        let turn = self.seen.checked_sub(self.fault.skip).map(|past| past % self.fault.every.max(1));
        !spent && turn == Some(0)
    }
}

/// What a fault does to a mutation's payload.
#[derive(Clone, Debug)]
pub(crate) struct PayloadFault {
    pub(crate) label: Option<String>,
    pub(crate) message: String,
    /// Whether the mutation is carried out all the same.
    pub(crate) is_executed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(fault: Fault, calls: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(fault);
        (0..calls).map(|_| faults.trigger(&["locations".to_owned()]).is_some()).collect()
    }

    #[test]
    fn rules_strike_when_they_say() {
        let rule = |skip, every, times| Fault { skip, every, times, ..Fault::first("locations", Action::EmptyErrors) };
        assert_eq!(struck(rule(0, 1, 1), 3), [true, false, false]);
        assert_eq!(struck(rule(2, 1, 1), 4), [false, false, true, false]);
        assert_eq!(struck(rule(1, 2, 0), 5), [false, true, false, true, false]);
        assert_eq!(struck(Fault::always("venues", Action::EmptyErrors), 2), [false, false]);
        assert_eq!(struck(Fault::always("*", Action::EmptyErrors), 2), [true, true]);
    }
}
