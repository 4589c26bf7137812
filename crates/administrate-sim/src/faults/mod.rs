//! Fault injection: rules that define which calls fail, and how. Deterministic.

pub(crate) mod corrupt;

use serde::{Deserialize, Serialize};

/// A fault rule. Of the rules that match a call, the first added that is due acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Operation path: `event.createBlended`, `locations`, `token`; `*` for any.
    #[serde(default = "any")]
    pub on: String,
    /// Number of matching calls to let pass first: 0 faults the first call, 2 the third.
    #[serde(default)]
    pub skip: u64,
    /// Faults every k-th matching call after `skip`: 1 for each.
    #[serde(default = "one")]
    pub every: u64,
    /// Number of calls to fault; 0 for no limit.
    #[serde(default = "one")]
    pub times: u64,
    /// What the fault does.
    pub action: Action,
}

fn any() -> String {
    "*".to_owned()
}

fn one() -> u64 {
    1
}

/// When a fault acts, relative to the execution of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Nothing was executed.
    Before,
    /// The request was executed and its changes are stored.
    After,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An HTTP status with a plain-text body; nothing is executed.
    Status {
        /// 429, 500, 503 …
        status: u16,
        /// Seconds for the `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The TCP connection is reset without a response.
    Reset {
        /// Before or after the execution.
        when: When,
    },
    /// No response until the client disconnects or the simulator stops.
    Hang {
        /// Before or after the execution.
        when: When,
    },
    /// No response, as with `Hang`, and execution only after the next call of the same operation.
    Late,
    /// An empty `"errors": []` next to the data.
    EmptyErrors,
    /// A top-level error with `data` null; nothing is executed.
    Error {
        /// Message of the error.
        message: String,
    },
    /// The mutation is refused with a payload error; nothing is changed.
    PayloadError {
        /// Input field that the error names.
        #[serde(default)]
        label: Option<String>,
        /// Message of the error.
        message: String,
    },
    /// The mutation is executed, and its payload has both the object and an error.
    ObjectAndError {
        /// Message of the error.
        message: String,
    },
    /// One node of the page is null.
    NullNode {
        /// Its index on the page.
        index: usize,
    },
    /// The page lacks its last rows; `pageInfo` is unchanged.
    TruncatedPage {
        /// Number of rows left on the page.
        keep: usize,
    },
    /// `totalRecords` of the page is wrong.
    WrongTotal {
        /// Number to add to it; the result is at least 0.
        by: i64,
    },
    /// The last row of the page is replaced by a copy of its first row.
    DuplicateRow,
    /// All access tokens expire; this request is the first to get status 401.
    ExpireTokens,
}

impl Fault {
    /// Returns a rule that faults the first call of an operation, once.
    pub fn first(on: &str, action: Action) -> Self {
        Self { on: on.to_owned(), skip: 0, every: 1, times: 1, action }
    }

    /// Returns a rule that faults the n-th call of an operation (1 is the first), once.
    pub fn nth(on: &str, n: u64, action: Action) -> Self {
        Self { skip: n.saturating_sub(1), ..Self::first(on, action) }
    }

    /// Returns a rule that faults every call of an operation.
    pub fn always(on: &str, action: Action) -> Self {
        Self { times: 0, ..Self::first(on, action) }
    }

    fn matches(&self, operations: &[String]) -> bool {
        self.on == "*" || operations.contains(&self.on)
    }
}

/// The active rules with their counters, in the order they were added.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Faults {
    rules: Vec<ActiveRule>,
}

#[derive(Clone, Debug, Serialize)]
struct ActiveRule {
    fault: Fault,
    #[serde(rename = "seen")]
    matched: u64,
    #[serde(rename = "struck")]
    triggered: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.rules.push(ActiveRule { fault, matched: 0, triggered: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Counts a call with these operations in every matching rule. Returns the action of the first rule that is due.
    pub(crate) fn trigger(&mut self, operations: &[String]) -> Option<Action> {
        let mut action = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.fault.matches(operations)) {
            if rule.is_due() && action.is_none() {
                rule.triggered += 1;
                action = Some(rule.fault.action.clone());
            }
            rule.matched += 1;
        }
        action
    }
}

impl ActiveRule {
    fn is_due(&self) -> bool {
        let is_exhausted = self.fault.times > 0 && self.triggered >= self.fault.times;
        let phase = self.matched.checked_sub(self.fault.skip).map(|calls| calls % self.fault.every.max(1));
        !is_exhausted && phase == Some(0)
    }
}

/// An error that a fault adds to the payload of a mutation.
#[derive(Clone, Debug)]
pub(crate) struct PayloadFault {
    pub(crate) label: Option<String>,
    pub(crate) message: String,
    /// Whether the mutation is executed nevertheless.
    pub(crate) is_executed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulted_calls(fault: Fault, calls: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(fault);
        (0..calls).map(|_| faults.trigger(&["locations".to_owned()]).is_some()).collect()
    }

    #[test]
    fn rules_with_skip_every_and_times_fault_the_matching_calls() {
        let rule = |skip, every, times| Fault { skip, every, times, ..Fault::first("locations", Action::EmptyErrors) };
        assert_eq!(faulted_calls(rule(0, 1, 1), 3), [true, false, false]);
        assert_eq!(faulted_calls(rule(2, 1, 1), 4), [false, false, true, false]);
        assert_eq!(faulted_calls(rule(1, 2, 0), 5), [false, true, false, true, false]);
        assert_eq!(faulted_calls(Fault::always("venues", Action::EmptyErrors), 2), [false, false]);
        assert_eq!(faulted_calls(Fault::always("*", Action::EmptyErrors), 2), [true, true]);
    }
}
