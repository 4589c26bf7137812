//! Layers: a module uses its own row and lower ones.

use super::modules::{Modules, top_module};
use super::source::SourceFile;
use super::{Violation, allowed};

/// The modules of `src`, lowest row first. A row is a list of steps; a module uses every module of its own step
/// and of all steps before it. `planned:` marks a module that does not exist yet.
const ROWS: &[&[&[&str]]] = &[
    &[&["error", "names", "text", "backoff", "files", "output_file"]],
    &[&["config", "console", "embedded", "migrate", "database"]],
    &[&["app", "runs", "outbox", "gateway", "background", "workbook"]],
    &[&["identity", "history"]],
    &[&["http", "jobs"], &["web"], &["resources"]],
    &[&["tutorials", "catalogue", "people", "lessons"]],
    &[&["bridges"], &["merge"]],
    &[&["delivery"]],
    &[
        &["sync", "timetable_import", "search", "planned:calendars", "planned:notifications", "changes"],
        &["webhooks", "catalogue_import"],
    ],
    &[&["retention", "today"], &["serve", "doctor", "planned:operations"]],
    &[&["demo"]],
    &[&["cli"]],
];

/// The highest row that an interface file uses, whatever its own row is.
const INTERFACE_ROW: usize = 8;

const PLANNED: &str = "planned:";

/// Row of a module and its step in that row.
type Rank = (usize, usize);

fn rank_of(module: &str) -> Option<Rank> {
    ROWS.iter().enumerate().find_map(|(row, steps)| {
        let holds = |step: &[&str]| step.iter().any(|name| name.trim_start_matches(PLANNED) == module);
        steps.iter().position(|step| holds(step)).map(|step| (row, step))
    })
}

/// The crate roots `lib.rs` and `main.rs` use everything.
fn reach_of(file: &SourceFile, module: &str) -> Rank {
    let own = if module.is_empty() { (ROWS.len(), 0) } else { rank_of(module).unwrap_or_default() };
    if file.is_interface() { own.max((INTERFACE_ROW, usize::MAX)) } else { own }
}

/// Returns the imports that lead up, one for each file and module, keyed `file -> module`.
pub fn upward_imports(modules: &Modules) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    for (_, file) in modules.production_files() {
        let own = top_module(&file.path);
        let reach = reach_of(file, &own);
        for (path, target) in modules.uses(file) {
            let Some(rank) = rank_of(&target.top).filter(|rank| target.top != own && *rank > reach) else { continue };
            let key = format!("{} -> {}", file.path, target.top);
            let message = format!(
                "{}:{}: `{}` uses `{}` of row {} from row {}: move the shared part to row {} or lower, or let the \
                 caller pass it in",
                file.path,
                path.line,
                path.segments.join("::"),
                target.top,
                rank.0,
                reach.0.min(ROWS.len()),
                reach.0.min(ROWS.len()),
            );
            if found.iter().all(|other| other.key != key) {
                found.push(Violation { key, count: 1, message });
            }
        }
    }
    found
}

/// Returns modules that have no row, and modules that are marked as planned but exist.
fn table_errors(files: &[SourceFile]) -> Vec<String> {
    let mut existing: Vec<String> =
        files.iter().filter(|file| file.path.starts_with("src/")).map(|file| top_module(&file.path)).collect();
    existing.sort();
    existing.dedup();
    existing.retain(|module| !module.is_empty());
    let listed = || ROWS.iter().flat_map(|steps| steps.iter()).flat_map(|step| step.iter());
    let without_row = existing
        .iter()
        .filter(|module| rank_of(module).is_none())
        .map(|module| format!("module `{module}` has no row: add it to ROWS in tests/house/layers.rs"));
    let exists = |name: &str| existing.iter().any(|module| module == name);
    let not_planned = listed()
        .filter(|name| name.strip_prefix(PLANNED).is_some_and(exists))
        .map(|name| format!("`{name}` exists: remove the mark `{PLANNED}` from ROWS"));
    let missing = listed()
        .filter(|name| !name.starts_with(PLANNED) && !exists(name))
        .map(|name| format!("module `{name}` does not exist: remove it from ROWS or mark it `{PLANNED}`"));
    without_row.chain(not_planned).chain(missing).collect()
}

/// Returns the paths from the outbox to modules above its row, and from stores and plans to interfaces.
fn forbidden_uses(files: &[SourceFile]) -> Vec<String> {
    let modules = Modules::new(files);
    let mut found = Vec::new();
    for (_, file) in modules.production_files() {
        let is_pure = ["store", "plan"].iter().any(|name| file.is_called(name)) && !file.is_interface();
        for path in file.paths.iter().filter(|path| !path.is_test) {
            let target = modules.resolve(file, path);
            let (place, written) = (format!("{}:{}", file.path, path.line), path.segments.join("::"));
            let above = target.as_ref().and_then(|target| rank_of(&target.top)).is_some_and(|(row, _)| row >= 5);
            if top_module(&file.path) == "outbox" && above {
                found.push(format!("{place}: the outbox knows no module, but uses `{written}`: pass plain data in"));
            }
            let leads_to_interface = target.is_some_and(|target| modules.file(target.file).is_interface());
            if is_pure && (leads_to_interface || path.segments[0] == "axum") {
                found.push(format!("{place}: a store or plan does not know its caller `{written}`: return the data"));
            }
        }
    }
    found
}

#[test]
fn every_module_has_a_row() {
    let errors = table_errors(super::sources());
    assert!(errors.is_empty(), "the table of layers does not match src: {errors:#?}");
}

#[test]
fn module_uses_its_own_row_and_lower_ones() {
    let found = upward_imports(&Modules::new(super::sources()));
    super::check("imports that lead up", &found, allowed::UPWARD_IMPORTS);
}

#[test]
fn outbox_store_and_plan_know_no_caller() {
    let found = forbidden_uses(super::sources());
    assert!(found.is_empty(), "forbidden imports: {found:#?}");
}

mod tests {
    use super::*;
    use crate::files_of;

    fn keys(files: &[(&str, &str)]) -> Vec<String> {
        let files = files_of(files);
        upward_imports(&Modules::new(&files)).into_iter().map(|violation| violation.key).collect()
    }

    const SYNC: (&str, &str) = ("src/sync/mod.rs", "pub struct SyncRun;");

    #[test]
    fn upward_path_is_found_in_every_spelling() {
        for text in [
            "use crate::{names, sync::{SyncRun, self}};",
            "pub use crate::sync::SyncRun as Run;",
            "use super::super::sync::SyncRun;",
            "use super::{super::sync::*};",
            "fn f() { crate::sync::run(); }",
            "fn f() { assert!(crate::sync::run() == 1, \"text\"); }",
            "mod inner { use super::super::super::sync::SyncRun; }",
        ] {
            let found = keys(&[("src/outbox/store.rs", text), SYNC]);
            assert_eq!(found, ["src/outbox/store.rs -> sync"], "{text}");
        }
    }

    #[test]
    fn test_code_comments_strings_and_downward_paths_are_no_violation() {
        for text in [
            "// use crate::sync::SyncRun;\n/// [`crate::sync::SyncRun`]\nconst A: &str = \"crate::sync::x\";",
            "#[cfg(test)] mod tests { use crate::sync::SyncRun; }",
            "#[cfg(test)]\nuse crate::sync::SyncRun;",
            "use self::sync::SyncRun; use super::sync_other::A; use sync::B;",
        ] {
            assert_eq!(keys(&[("src/outbox/store.rs", text), SYNC]), [""; 0], "{text}");
        }
        let text = "use crate::sync::SyncRun;";
        for path in ["src/outbox/tests.rs", "src/outbox/tests/a.rs", "src/demo/mod.rs", "src/main.rs"] {
            assert_eq!(keys(&[(path, text), SYNC]), [""; 0], "{path}");
        }
        let declaring = ("src/outbox/mod.rs", "#[cfg(test)] mod fixture;");
        assert_eq!(keys(&[declaring, ("src/outbox/fixture/deep.rs", text), SYNC]), [""; 0]);
    }

    #[test]
    fn import_after_test_item_is_checked() {
        let text = "#[cfg(test)] mod tests { fn a() {} }\nuse crate::sync::SyncRun;";
        assert_eq!(keys(&[("src/outbox/store.rs", text), SYNC]).len(), 1);
    }

    #[test]
    fn interface_file_uses_rows_up_to_eight() {
        let text = "use crate::{sync::SyncRun, webhooks, demo};";
        let others = [SYNC, ("src/webhooks/mod.rs", ""), ("src/demo/mod.rs", "")];
        for path in ["src/identity/cli.rs", "src/identity/api/list.rs"] {
            let files: Vec<_> = [(path, text)].into_iter().chain(others).collect();
            assert_eq!(keys(&files), [format!("{path} -> demo")]);
        }
    }

    #[test]
    fn steps_of_a_row_are_ordered() {
        let text = "use crate::{bridges, merge, sync, webhooks, search};";
        let roots = ["bridges", "merge", "sync", "webhooks", "search"].map(|name| format!("src/{name}/mod.rs"));
        let found = |path: &str| {
            let roots = roots.iter().map(|root| (root.as_str(), ""));
            keys(&roots.chain([(path, text)]).collect::<Vec<_>>())
        };
        assert!(found("src/bridges/a.rs").contains(&"src/bridges/a.rs -> merge".to_owned()));
        assert!(!found("src/merge/a.rs").contains(&"src/merge/a.rs -> bridges".to_owned()));
        assert_eq!(found("src/sync/a.rs"), ["src/sync/a.rs -> webhooks"]);
        assert_eq!(found("src/webhooks/a.rs"), [""; 0]);
    }

    #[test]
    fn module_without_row_and_existing_planned_module_are_errors() {
        let errors = table_errors(&files_of(&[("src/surprise.rs", ""), ("src/calendars/mod.rs", "")])).join("\n");
        assert!(errors.contains("module `surprise` has no row"), "{errors}");
        assert!(errors.contains("calendars` exists"), "{errors}");
        assert!(errors.contains("module `sync` does not exist"), "{errors}");
    }

    #[test]
    fn outbox_that_knows_a_module_and_store_that_knows_its_caller_are_found() {
        let found = forbidden_uses(&files_of(&[
            ("src/outbox/store.rs", "use crate::sync::SyncRun;"),
            ("src/sync/store.rs", "use super::api::page; use axum::Json;"),
            ("src/sync/plan/mod.rs", "fn f() { crate::cli::main() }"),
            ("src/sync/api.rs", "use axum::Json; pub fn page() {}"),
            ("src/cli.rs", ""),
            SYNC,
        ]));
        assert_eq!(found.len(), 4, "{found:#?}");
    }
}
