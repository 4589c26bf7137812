//! Today's exceptions from the rules. The lists may only shrink.

use super::Allowed;

/// Files that use a module of a higher row.
pub const UPWARD_IMPORTS: &[Allowed] = &[];

/// Pairs of modules that are part of a circle.
pub const MODULE_CIRCLES: &[Allowed] = &[];

/// Sizes of the circles of files that are too large, largest first.
pub const FILE_CIRCLES: &[usize] = &[];

/// Files of the program and the libraries that are too long, with their lines.
pub const LONG_FILES: &[Allowed] = &[];

/// Files of tests and benchmarks that are too long, with their lines.
pub const LONG_TEST_FILES: &[Allowed] = &[];

/// Functions that are too long, with their lines.
pub const LONG_FUNCTIONS: &[Allowed] = &[];

/// Test functions that are too long, with their lines.
pub const LONG_TEST_FUNCTIONS: &[Allowed] = &[];

/// Folders with too many files, with their number.
pub const FULL_FOLDERS: &[Allowed] = &[];

/// Files with SQL that are not stores.
pub const SQL_OUTSIDE_STORES: &[Allowed] = &[];

/// Type names with several meanings, with the number of their definitions.
pub const REPEATED_TYPES: &[Allowed] = &[];

/// Type names that are repeated on purpose because they are always written with their module, with the reason.
pub const TYPES_WRITTEN_WITH_MODULE: &[(&str, &str)] = &[("Args", "the arguments of one command: `sync::cli::Args`")];

/// Private words in names and comments, at most, for every 1,000 lines. Words that stay have a reason in `words.rs`.
pub const MOST_PRIVATE_WORDS_PER_1000_LINES: f64 = 0.0;
