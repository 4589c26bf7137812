//! Prints reports of syncs.

use crate::console::Console;
use crate::error::Exit;
use crate::sync::plan::display::first_details;
use crate::sync::report::{Report, Summary, text};

/// Prints the counts, the findings and the failure of one entity's report.
pub(in crate::sync) fn print_report(console: &Console, report: &Report) {
    console.print(text::counts([report]));
    // A dry run says it in its plan.
    if let Some(line) = first_details(report.entity, report.first_details).filter(|_| !report.dry_run) {
        console.print(line);
    }
    print_findings(console, report);
    report.failure().for_each(|reason| console.notify(format_args!("lectern: {reason}")));
}

/// Prints the counts and findings of several reports.
pub(super) fn print_reports(console: &Console, reports: &[Report]) {
    console.print(text::counts(reports));
    reports.iter().for_each(|report| print_findings(console, report));
}

/// Prints the reports of `sync all` and how many entities succeeded.
pub(super) fn print_summary(console: &Console, summary: &Summary) {
    console.print(text::counts(summary.attempted()));
    for report in summary.attempted() {
        print_findings(console, report);
        let entity = report.entity.plural();
        report.failure().for_each(|reason| console.notify(format_args!("lectern: {entity}: {reason}")));
    }
    console.notify(summary_line(summary));
}

fn print_findings(console: &Console, report: &Report) {
    console.print_text(text::findings(report, console.verbose));
}

fn summary_line(summary: &Summary) -> String {
    let Summary { succeeded, failed, not_run, .. } = summary;
    let not_run = if *not_run > 0 { format!(", {not_run} not run") } else { String::new() };
    let hint = if summary.exit() == Exit::Done { "" } else { ": see above" };
    format!("{succeeded} succeeded, {failed} failed{not_run}{hint}")
}
