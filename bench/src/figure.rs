//! Samples, their medians, and the table of results.

use std::fmt::Write;

/// Times of one side, in seconds.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    /// The middle one; 0 of none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// One row of the table.
pub struct Figure {
    pub what: String,
    pub ours: String,
    pub peer: String,
    pub ratio: String,
    pub goal: String,
    pub met: bool,
}

impl Figure {
    /// We take at most `goal` times as long as something that does less.
    pub fn at_most(what: &str, ours: &Samples, peer: (&str, &Samples), goal: f64) -> Self {
        let ratio = ours.median() / peer.1.median();
        Self {
            what: what.to_owned(),
            ours: seconds(ours.median()),
            peer: format!("{}: {}", peer.0, seconds(peer.1.median())),
            ratio: format!("{ratio:.2} ×"),
            goal: format!("≤ {goal} ×"),
            met: ratio <= goal,
        }
    }

    /// We are at least `goal` times as fast as something that does the same.
    pub fn faster(what: &str, ours: &Samples, peer: (&str, &Samples), goal: f64) -> Self {
        let ratio = peer.1.median() / ours.median();
        Self {
            ratio: format!("{ratio:.1} × as fast"),
            goal: format!("≥ {goal} ×"),
            met: ratio >= goal,
            ..Self::at_most(what, ours, peer, goal)
        }
    }

    /// As many as the least possible, or `most` of them.
    pub fn count(what: &str, ours: u64, most: (&str, u64)) -> Self {
        Self {
            what: what.to_owned(),
            ours: ours.to_string(),
            peer: format!("{}: {}", most.0, most.1),
            ratio: format!("{:.3} ×", ours as f64 / most.1 as f64),
            goal: "1 ×".to_owned(),
            met: ours <= most.1,
        }
    }

    /// Peak memory in bytes under so many megabytes.
    pub fn memory(what: &str, bytes: u64, most: u64) -> Self {
        Self {
            what: what.to_owned(),
            ours: format!("{:.0} MB", bytes as f64 / f64::from(1 << 20)),
            peer: String::new(),
            ratio: String::new(),
            goal: format!("< {most} MB"),
            met: bytes < most << 20,
        }
    }
}

fn seconds(of: f64) -> String {
    if of < 1.0 { format!("{:.1} ms", of * 1000.0) } else { format!("{of:.2} s") }
}

/// A table in Markdown.
pub fn table(figures: &[Figure]) -> String {
    let mut table = String::from("| what | Lectern | peer | ratio | goal | met |\n|---|---|---|---|---|---|\n");
    for figure in figures {
        let Figure { what, ours, peer, ratio, goal, met } = figure;
        let met = if *met { "yes" } else { "no" };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {what} | {ours} | {peer} | {ratio} | {goal} | {met} |");
    }
    table
}
