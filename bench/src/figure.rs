//! Samples, medians and the table of results.

use std::fmt::Write;

/// Durations of one side in seconds.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    /// Returns the median, or 0 without samples.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// A row of the table of results.
pub struct Figure {
    pub what: String,
    pub lectern: String,
    pub peer: String,
    pub ratio: String,
    pub goal: String,
    pub met: bool,
}

impl Figure {
    /// Compares with a peer that does less: Lectern may take at most `goal` times as long.
    pub fn at_most(what: &str, lectern: &Samples, peer: (&str, &Samples), goal: f64) -> Self {
        let ratio = lectern.median() / peer.1.median();
        Self {
            what: what.to_owned(),
            lectern: seconds(lectern.median()),
            peer: format!("{}: {}", peer.0, seconds(peer.1.median())),
            ratio: format!("{ratio:.2} ×"),
            goal: format!("≤ {goal} ×"),
            met: ratio <= goal,
        }
    }

    /// Compares with a peer that does the same: Lectern must be at least `goal` times as fast.
    pub fn faster(what: &str, lectern: &Samples, peer: (&str, &Samples), goal: f64) -> Self {
        let ratio = peer.1.median() / lectern.median();
        Self {
            ratio: format!("{ratio:.1} × as fast"),
            goal: format!("≥ {goal} ×"),
            met: ratio >= goal,
            ..Self::at_most(what, lectern, peer, goal)
        }
    }

    /// Compares a time with a limit in seconds.
    pub fn within(what: &str, lectern: &Samples, limit: f64) -> Self {
        Self {
            what: what.to_owned(),
            lectern: seconds(lectern.median()),
            peer: String::new(),
            ratio: String::new(),
            goal: format!("≤ {}", seconds(limit)),
            met: lectern.median() <= limit,
        }
    }

    /// Reports a figure without a goal.
    pub fn plain(what: &str, lectern: String, peer: String, ratio: String) -> Self {
        Self { what: what.to_owned(), lectern, peer, ratio, goal: String::new(), met: true }
    }

    /// Compares a count with its limit.
    pub fn count(what: &str, lectern: u64, limit: (&str, u64)) -> Self {
        Self {
            what: what.to_owned(),
            lectern: lectern.to_string(),
            peer: format!("{}: {}", limit.0, limit.1),
            ratio: format!("{:.3} ×", lectern as f64 / limit.1 as f64),
            goal: "1 ×".to_owned(),
            met: lectern <= limit.1,
        }
    }

    /// Compares a peak memory in bytes with a limit in megabytes.
    pub fn memory(what: &str, bytes: u64, limit: u64) -> Self {
        Self {
            what: what.to_owned(),
            lectern: format!("{:.0} MB", bytes as f64 / f64::from(1 << 20)),
            peer: String::new(),
            ratio: String::new(),
            goal: format!("< {limit} MB"),
            met: bytes < limit << 20,
        }
    }
}

/// Returns a time as it is printed.
pub fn seconds(value: f64) -> String {
    if value < 1.0 { format!("{:.1} ms", value * 1000.0) } else { format!("{value:.2} s") }
}

/// Returns the figures as a Markdown table.
pub fn table(figures: &[Figure]) -> String {
    let mut table = String::from("| what | Lectern | peer | ratio | goal | met |\n|---|---|---|---|---|---|\n");
    for figure in figures {
        let Figure { what, lectern, peer, ratio, goal, met } = figure;
        let met = if *met { "yes" } else { "no" };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {what} | {lectern} | {peer} | {ratio} | {goal} | {met} |");
    }
    table
}
