//! A timetable of a real provider.

use std::path::Path;

use spreadsheet::Limits;

use crate::timetable_import::blocks;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::testing::*;
use crate::tutorials::LearningMode;

/// The workbook of a real provider with replaced names. It is not part of the repository.
#[test]
fn sample_timetable_is_imported_completely() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is missing: the test does nothing", path.display());
        return;
    }
    let sheet = spreadsheet::read_file(&path, &Limits::default()).expect("readable");
    let timetable = blocks::read(&sheet, &parse_options()).expect("not too large");
    let (local, remote) = state_of(&timetable);
    let plan = plan(&timetable, &local, &remote, planner_options(&labels()));
    let errors: Vec<_> = plan.problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let counts = plan.counts();
    assert_eq!((counts.events, counts.created, counts.sessions), (41, 41, 156));
    let self_paced = timetable.blocks.iter().filter(|block| block.event.mode == LearningMode::Lms).count();
    assert_eq!(self_paced, 4);
    let again = crate::timetable_import::plan::planner::plan(
        &timetable,
        &applied(&plan, &local),
        &remote,
        planner_options(&labels()),
    );
    assert!(again.items.iter().all(|item| item.outcome == BlockOutcome::Unchanged), "{again}");
}
