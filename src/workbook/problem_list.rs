//! The problems of an import. A document contains the first of them and their number, so that it can always be stored.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};

use crate::workbook::problems::ImportProblem;

/// Maximum number of problems in a document.
pub const MAX_LISTED: usize = 1000;

/// All problems of an import. Serialised are the first errors, then the first warnings, in the order of the rows.
#[derive(Clone, Debug, Default)]
pub struct ProblemList(pub Vec<ImportProblem>);

#[derive(Serialize)]
struct ListedProblems<'a> {
    problems: Vec<&'a ImportProblem>,
    /// The number of all problems, also of those that are not listed.
    problems_total: usize,
}

impl ProblemList {
    fn listed(&self) -> Vec<&ImportProblem> {
        if self.len() <= MAX_LISTED {
            return self.iter().collect();
        }
        let errors = self.iter().enumerate().filter(|(_, problem)| problem.is_error());
        let warnings = self.iter().enumerate().filter(|(_, problem)| !problem.is_error());
        let mut listed: Vec<(usize, &ImportProblem)> = errors.chain(warnings).take(MAX_LISTED).collect();
        listed.sort_unstable_by_key(|(at, _)| *at);
        listed.into_iter().map(|(_, problem)| problem).collect()
    }
}

impl Serialize for ProblemList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ListedProblems { problems: self.listed(), problems_total: self.len() }.serialize(serializer)
    }
}

impl Deref for ProblemList {
    type Target = Vec<ImportProblem>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for ProblemList {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::problems::{Code, Issue};

    #[test]
    fn errors_are_listed_before_warnings() {
        let problem = |row, code| ImportProblem::at(Some("Import"), Some(row), None, Issue::new(code, "x"));
        let warnings = (1..=1500).map(|row| problem(row, Code::DoubleBooked));
        let errors = [problem(1600, Code::InvalidDate), problem(1700, Code::InvalidDate)];
        let all = ProblemList(warnings.chain(errors).collect());
        let listed = all.listed();
        assert_eq!((listed.len(), listed[0].row, listed[997].row), (MAX_LISTED, Some(1), Some(998)));
        assert_eq!((listed[998].row, listed[999].row), (Some(1600), Some(1700)));
        let json = serde_json::to_value(&all).expect("JSON");
        assert_eq!(json["problems_total"], 1502);
    }
}
