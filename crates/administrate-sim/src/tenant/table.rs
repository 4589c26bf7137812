//! Rows that get their numbers in the order of insertion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Number;

/// Rows by number. A number is given once and never again, also after its row was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table<T> {
    #[serde(default)]
    last: Number,
    rows: BTreeMap<Number, T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { last: 0, rows: BTreeMap::new() }
    }
}

impl<T> Table<T> {
    /// Adds a row and tells its number.
    pub fn add(&mut self, row: T) -> Number {
        // A table written by hand may come without `last`.
        let highest = self.rows.last_key_value().map_or(0, |(number, _)| *number);
        self.last = self.last.max(highest) + 1;
        self.rows.insert(self.last, row);
        self.last
    }

    /// The row of a number.
    pub fn get(&self, number: Number) -> Option<&T> {
        self.rows.get(&number)
    }

    /// The row of a number, to change it.
    pub fn get_mut(&mut self, number: Number) -> Option<&mut T> {
        self.rows.get_mut(&number)
    }

    /// Takes a row out.
    pub fn remove(&mut self, number: Number) -> Option<T> {
        self.rows.remove(&number)
    }

    /// Keeps the rows that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.rows.retain(|_, row| keep(row));
    }

    /// All rows by rising number.
    pub fn iter(&self) -> impl Iterator<Item = (Number, &T)> {
        self.rows.iter().map(|(number, row)| (*number, row))
    }

    /// All numbers, rising.
    pub fn numbers(&self) -> impl Iterator<Item = Number> {
        self.rows.keys().copied()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
