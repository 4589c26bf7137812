//! A table whose rows are numbered in order of insertion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Number;

/// Rows by number. A number is never reused, even after its row was removed.
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
    /// Adds a row and returns its number.
    pub fn add(&mut self, row: T) -> Number {
        // A manually written table may have no `last`.
        let highest = self.rows.last_key_value().map_or(0, |(number, _)| *number);
        self.last = self.last.max(highest) + 1;
        self.rows.insert(self.last, row);
        self.last
    }

    /// Returns the row of a number.
    pub fn get(&self, number: Number) -> Option<&T> {
        self.rows.get(&number)
    }

    /// Returns the row of a number for changing it.
    pub fn get_mut(&mut self, number: Number) -> Option<&mut T> {
        self.rows.get_mut(&number)
    }

    /// Removes a row and returns it.
    pub fn remove(&mut self, number: Number) -> Option<T> {
        self.rows.remove(&number)
    }

    /// Removes the rows for which `keep` returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.rows.retain(|_, row| keep(row));
    }

    /// Returns all rows in ascending order of number.
    pub fn iter(&self) -> impl Iterator<Item = (Number, &T)> {
        self.rows.iter().map(|(number, row)| (*number, row))
    }

    /// Returns all numbers in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = Number> {
        self.rows.keys().copied()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
