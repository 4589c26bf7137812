//! Which runs are undone at present, and which later runs can be undone before another one.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::error::Result;
use crate::runs;

/// The undos of all syncs.
#[derive(Debug)]
pub(super) struct UndoHistory {
    /// The run that each undo undid.
    undoes: HashMap<i64, i64>,
    /// The undo of each run that is undone. An undo that was undone itself no longer counts.
    undone_by: HashMap<i64, i64>,
}

impl UndoHistory {
    pub(super) async fn load(db: &mut PgConnection) -> Result<UndoHistory> {
        Ok(UndoHistory::of(&runs::undo_pairs(db).await?))
    }

    /// Creates the history of these undos with the runs that they undid, the latest first.
    fn of(pairs: &[(i64, i64)]) -> UndoHistory {
        let mut undone_by = HashMap::new();
        for (undo, run) in pairs {
            if !undone_by.contains_key(undo) {
                undone_by.insert(*run, *undo);
            }
        }
        UndoHistory { undoes: pairs.iter().copied().collect(), undone_by }
    }

    pub(super) fn undone_by(&self, run: i64) -> Option<i64> {
        self.undone_by.get(&run).copied()
    }

    /// Returns how often undos were undone: 0 for a sync, 1 for its undo, 2 for the undo of that.
    fn depth(&self, run: i64) -> usize {
        std::iter::successors(Some(run), |run| self.undoes.get(run).copied()).count() - 1
    }

    /// Returns whether undoing `later` can make way for the undo of `run`.
    ///
    /// The undo of an undo restores a sync, which is undone instead. An undo makes way for other undos only.
    pub(super) fn can_make_way(&self, later: i64, run: i64) -> bool {
        let is_possible = match self.depth(later) {
            0 => true,
            1 => self.depth(run) > 0,
            _ => false,
        };
        is_possible && !self.undone_by.contains_key(&later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_that_was_undone_no_longer_counts() {
        let once = UndoHistory::of(&[(7, 5)]);
        assert_eq!((once.undone_by(5), once.undone_by(7)), (Some(7), None));
        assert!(!once.can_make_way(5, 3) && !once.can_make_way(7, 3) && once.can_make_way(7, 7));
        let twice = UndoHistory::of(&[(8, 7), (7, 5)]);
        assert_eq!((twice.undone_by(5), twice.undone_by(7), twice.undone_by(8)), (None, Some(8), None));
        assert!(twice.can_make_way(5, 3) && !twice.can_make_way(8, 3), "run 5 is undone, not its restoration");
        let thrice = UndoHistory::of(&[(9, 8), (8, 7), (7, 5)]);
        assert_eq!((thrice.undone_by(5), thrice.undone_by(8)), (Some(7), Some(9)));
    }
}
