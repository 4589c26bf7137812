//! A timetable of a real provider.

use std::path::Path;

use spreadsheet::Limits;

use crate::timetable_import::blocks;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::testing::*;
use crate::tutorials::LearningMode;

/// The real provider's workbook, names replaced. It stays outside the repository.
#[test]
fn the_sample_timetable_is_read_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested with it", path.display());
        return;
    }
    let sheet = spreadsheet::read_file(&path, &Limits::default()).expect("readable");
    let timetable = blocks::read(&sheet, &reading()).expect("not too large");
    let (ours, facts) = state_of(&timetable);
    let plan = plan(&timetable, &ours, &facts, planner_options(&labels()));
    let errors: Vec<_> = plan.problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let counts = plan.counts();
    assert_eq!((counts.events, counts.created, counts.sessions), (41, 41, 156));
    let self_paced = timetable.blocks.iter().filter(|block| block.event.mode == LearningMode::Lms).count();
    assert_eq!(self_paced, 4);
    let again = crate::timetable_import::plan::planner::plan(
        &timetable,
        &applied(&plan, &ours),
        &facts,
        planner_options(&labels()),
    );
    assert!(again.items.iter().all(|item| item.outcome == BlockOutcome::Unchanged), "{again}");
}
