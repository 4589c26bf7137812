//! Counts of requests and a log of mutations, for assertions in tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Counts of requests since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// All requests, including token requests and without the control routes.
    pub total: u64,
    /// By operation: `locations`, `event.createBlended`, `token`. A document counts once for each of its root fields.
    pub by_operation: BTreeMap<String, u64>,
    /// Requests that a fault answered, delayed or reset.
    pub faulted: u64,
    /// Requests rejected before execution: invalid documents, variables or tokens.
    pub refused: u64,
}

impl Requests {
    /// Returns the number of requests of an operation.
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.get(operation).copied().unwrap_or(0)
    }

    pub(crate) fn record(&mut self, operations: &[String]) {
        self.total += 1;
        for operation in operations {
            *self.by_operation.entry(operation.clone()).or_default() += 1;
        }
    }
}

/// A mutation that was executed, or refused by a domain rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// `event.createBlended`.
    pub operation: String,
    /// Its coerced arguments.
    pub arguments: Value,
    /// Time of execution.
    pub at: Timestamp,
    /// Whether it changed the tenant.
    pub changed: bool,
}
