//! What a statement does to other programs while it runs.

use std::borrow::Cow;

use serde::Serialize;

use super::cursor::ObjectName;

/// How much a statement disturbs programs that use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Others wait for an instant at most.
    Fine,
    /// Worth knowing; nothing has to be changed.
    Note,
    /// It fails, deletes data, or makes programs of the earlier version fail.
    Unsafe,
    /// Readers or writers wait for as long as it takes.
    Blocks,
    /// The table is written again, and everybody waits meanwhile.
    Rewrites,
}

/// The lock that a statement takes, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum LockMode {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "ACCESS SHARE")]
    AccessShare,
    #[serde(rename = "ROW SHARE")]
    RowShare,
    #[serde(rename = "ROW EXCLUSIVE")]
    RowExclusive,
    #[serde(rename = "SHARE UPDATE EXCLUSIVE")]
    ShareUpdateExclusive,
    #[serde(rename = "SHARE")]
    Share,
    #[serde(rename = "SHARE ROW EXCLUSIVE")]
    ShareRowExclusive,
    #[serde(rename = "EXCLUSIVE")]
    Exclusive,
    #[serde(rename = "ACCESS EXCLUSIVE")]
    AccessExclusive,
}

impl LockMode {
    /// All modes, weakest first, with their names in `LOCK TABLE`.
    pub const ALL: &[(LockMode, &str)] = &[
        (LockMode::AccessShare, "ACCESS SHARE"),
        (LockMode::RowShare, "ROW SHARE"),
        (LockMode::RowExclusive, "ROW EXCLUSIVE"),
        (LockMode::ShareUpdateExclusive, "SHARE UPDATE EXCLUSIVE"),
        (LockMode::Share, "SHARE"),
        (LockMode::ShareRowExclusive, "SHARE ROW EXCLUSIVE"),
        (LockMode::Exclusive, "EXCLUSIVE"),
        (LockMode::AccessExclusive, "ACCESS EXCLUSIVE"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(mode, _)| *mode == self).map_or("no", |(_, name)| name)
    }

    pub fn blocks_writers(self) -> bool {
        self >= LockMode::Share
    }
}

/// How long a lock is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// An instant: only the catalogue is changed.
    Metadata,
    /// Until every affected row is written.
    Rows,
    /// Until every row is read.
    Scan,
    /// Until every row is written again.
    Rewrite,
    /// Until the transaction ends.
    Transaction,
}

impl Duration {
    /// Reports whether it grows with the table.
    pub fn is_long(self) -> bool {
        matches!(self, Duration::Rows | Duration::Scan | Duration::Rewrite)
    }

    pub fn phrase(self) -> &'static str {
        match self {
            Duration::Metadata => "for an instant",
            Duration::Rows => "while every affected row is written",
            Duration::Scan => "while every row is read",
            Duration::Rewrite => "while every row is written again",
            Duration::Transaction => "until the transaction ends",
        }
    }
}

/// A text that is usually constant.
pub type Phrase = Cow<'static, str>;

/// What one statement, or one action of it, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEffect {
    pub rule: &'static str,
    pub risk: Risk,
    pub lock: LockMode,
    pub duration: Duration,
    pub target: Option<ObjectName>,
    /// A second table that is locked for an instant, such as the one that a foreign key refers to.
    pub other: Option<(ObjectName, LockMode)>,
    pub why: Phrase,
    pub instead: Phrase,
    /// Whether it also holds for a table that did not exist before.
    pub concerns_new: bool,
}

impl StatementEffect {
    pub fn new(rule: &'static str, risk: Risk, lock: LockMode, duration: Duration) -> Self {
        StatementEffect {
            rule,
            risk,
            lock,
            duration,
            target: None,
            other: None,
            why: Cow::Borrowed(""),
            instead: Cow::Borrowed(""),
            concerns_new: false,
        }
    }

    /// An effect on the catalogue that needs the lock only for an instant.
    pub fn fine(lock: LockMode) -> Self {
        StatementEffect::new("fine", Risk::Fine, lock, Duration::Metadata)
    }

    /// An effect that rewrites a table.
    pub fn rewrite(rule: &'static str) -> Self {
        StatementEffect::new(rule, Risk::Rewrites, LockMode::AccessExclusive, Duration::Rewrite)
    }

    /// An effect that others notice although it is short.
    pub fn hazard(rule: &'static str, lock: LockMode) -> Self {
        StatementEffect::new(rule, Risk::Unsafe, lock, Duration::Metadata)
    }

    /// A statement that fails where it stands, or does not do what it seems to.
    pub fn mistake(rule: &'static str) -> Self {
        StatementEffect {
            concerns_new: true,
            ..StatementEffect::new(rule, Risk::Unsafe, LockMode::None, Duration::Metadata)
        }
    }

    /// Something that only needs to be known.
    pub fn note(rule: &'static str) -> Self {
        StatementEffect {
            concerns_new: true,
            ..StatementEffect::new(rule, Risk::Note, LockMode::None, Duration::Metadata)
        }
    }

    pub fn on(self, target: &ObjectName) -> Self {
        StatementEffect { target: Some(target.clone()), ..self }
    }

    pub fn because(self, why: impl Into<Phrase>) -> Self {
        StatementEffect { why: why.into(), ..self }
    }

    pub fn instead(self, instead: impl Into<Phrase>) -> Self {
        StatementEffect { instead: instead.into(), ..self }
    }
}

/// A statement that disturbs others, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Line of the file on which the statement begins.
    pub line: u32,
    pub severity: Risk,
    pub rule: &'static str,
    pub statement: String,
    /// The table or other object that is locked; null: none, or the SQL does not say.
    pub object: Option<String>,
    pub lock: LockMode,
    pub duration: Duration,
    pub why: Phrase,
    pub instead: Phrase,
}

/// What the statements of one text do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LintReport {
    /// Number of statements.
    pub statements: usize,
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// Findings beyond the limit, which are only counted.
    pub omitted: usize,
    /// The worst of all findings, of the omitted ones too.
    #[serde(skip)]
    pub worst: Option<Risk>,
}

/// The most findings of one text.
const MOST_FINDINGS: usize = 10_000;

impl LintReport {
    pub fn add(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.omitted += 1;
        }
    }

    pub fn needs_attention(&self) -> bool {
        self.worst >= Some(Risk::Unsafe)
    }
}
