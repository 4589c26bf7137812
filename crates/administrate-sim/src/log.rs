//! What the simulator remembers about the requests it got, for assertions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Requests since the start, or since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// All of them, tokens included, control routes not.
    pub total: u64,
    /// By operation: `locations`, `event.createBlended`, `token`. A document with several root fields counts for each.
    pub by_operation: BTreeMap<String, u64>,
    /// Requests answered by a fault, or hung, or cut.
    pub faulted: u64,
    /// Requests refused before execution: invalid documents, variables, tokens.
    pub refused: u64,
}

impl Requests {
    /// How often an operation was asked for.
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

/// A mutation that was carried out, or refused by a rule of the trade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// `event.createBlended`.
    pub operation: String,
    /// Its arguments as coerced.
    pub arguments: Value,
    /// When.
    pub at: Timestamp,
    /// Whether it changed the tenant.
    pub changed: bool,
}
