//! Workbooks that users fill in: what the imports of timetables and of catalogues have in common.
//!
//! A file is read within limits ([`file`]); its cells become values ([`values`], [`cells`]) or problems, each with its cell
//! ([`problems`]). A plan shows what happens to each row, with old and new values ([`plan`]). Rejected rows go back to
//! their author as a workbook ([`report`]), and an empty workbook explains itself ([`template`]).

pub mod cells;
pub mod file;
pub mod options;
pub mod plan;
pub mod problem_list;
pub mod problem_table;
pub mod problems;
pub mod report;
pub mod style;
pub mod template;
pub mod values;
