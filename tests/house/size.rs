//! Sizes: files, functions and folders that a reader can take in.

use super::source::SourceFile;
use super::{Violation, allowed, check, sources};
use std::collections::BTreeMap;

const MAX_LINES_OF_FILE: usize = 400;
const MAX_LINES_OF_FUNCTION: usize = 60;
const MAX_FILES_IN_FOLDER: usize = 18;

fn long_files<'a>(files: impl Iterator<Item = &'a SourceFile>) -> Vec<Violation> {
    let long = files.filter(|file| file.lines > MAX_LINES_OF_FILE);
    let describe = |file: &SourceFile| {
        let what = format!("{}: {} lines, at most {MAX_LINES_OF_FILE}", file.path, file.lines);
        Violation { key: file.path.clone(), count: file.lines, message: format!("{what}: split it by responsibility") }
    };
    long.map(describe).collect()
}

fn long_functions<'a>(files: impl Iterator<Item = &'a SourceFile>, tests: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        let functions = file.functions.iter().filter(|function| (file.is_test || function.is_test) == tests);
        for function in functions.filter(|function| function.lines > MAX_LINES_OF_FUNCTION) {
            let (path, line, lines) = (&file.path, function.line, function.lines);
            let message = format!(
                "{path}:{line}: `{}` has {lines} lines, at most {MAX_LINES_OF_FUNCTION}: give its steps names of their own",
                function.name
            );
            found.push(Violation { key: format!("{path} {}", function.name), count: lines, message });
        }
    }
    found
}

fn full_folders<'a>(files: impl Iterator<Item = &'a SourceFile>) -> Vec<Violation> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for (folder, _) in files.filter_map(|file| file.path.rsplit_once('/')) {
        *folders.entry(folder).or_default() += 1;
    }
    let full = folders.into_iter().filter(|(_, count)| *count > MAX_FILES_IN_FOLDER);
    let describe = |(folder, count): (&str, usize)| {
        let message =
            format!("{folder}: {count} files, at most {MAX_FILES_IN_FOLDER}: group them in folders by question");
        Violation { key: folder.to_owned(), count, message }
    };
    full.map(describe).collect()
}

/// Reports whether a file belongs to the program or a library, not to its tests or benchmarks.
fn is_in_src(file: &&SourceFile) -> bool {
    file.path.starts_with("src/") || (file.path.starts_with("crates/") && file.path.split('/').nth(2) == Some("src"))
}

#[test]
fn files_are_short() {
    check("long files", &long_files(sources().iter().filter(is_in_src)), allowed::LONG_FILES);
    let others = sources().iter().filter(|file| !is_in_src(file));
    check("long files of tests and benchmarks", &long_files(others), allowed::LONG_TEST_FILES);
}

#[test]
fn functions_are_short() {
    let in_src = || sources().iter().filter(is_in_src);
    check("long functions", &long_functions(in_src(), false), allowed::LONG_FUNCTIONS);
    check("long test functions", &long_functions(sources().iter(), true), allowed::LONG_TEST_FUNCTIONS);
}

#[test]
fn folders_are_small() {
    check("full folders", &full_folders(sources().iter().filter(is_in_src)), allowed::FULL_FOLDERS);
}

mod tests {
    use super::*;
    use crate::files_of;

    #[test]
    fn file_over_the_limit_is_found() {
        let text = |lines: usize| "// line\n".repeat(lines);
        let files = files_of(&[("src/a.rs", &text(401)), ("src/b.rs", &text(400))]);
        let found = long_files(files.iter());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key.as_str(), found[0].count), ("src/a.rs", 401));
    }

    #[test]
    fn function_over_the_limit_is_found_from_its_fn_to_its_brace() {
        let text = |lines: usize| {
            format!(
                "impl A {{\n    /// Doc.\n    async fn f<T>(\n    ) -> T\n    where T: A {{\n{}    }}\n}}",
                "\n".repeat(lines - 4)
            )
        };
        let count = |text: &str, tests| {
            let files = files_of(&[("src/a.rs", text)]);
            long_functions(files.iter(), tests).len()
        };
        assert_eq!((count(&text(60), false), count(&text(61), false)), (0, 1));
        let test = format!("#[cfg(test)] mod tests {{ {} }}", text(61));
        assert_eq!((count(&test, false), count(&test, true)), (0, 1));
        assert_eq!(count(&format!("trait A {{ fn f();\n{} }}", "\n".repeat(70)), false), 0);
    }

    #[test]
    fn folder_over_the_limit_is_found() {
        let paths: Vec<String> = (0..19).map(|at| format!("src/a/f{at}.rs")).collect();
        let texts: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        assert_eq!(full_folders(files_of(&texts).iter()).len(), 1);
        assert_eq!(full_folders(files_of(&texts[1..]).iter()).len(), 0);
    }
}
