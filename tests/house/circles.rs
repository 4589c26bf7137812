//! Circles: modules and files that use each other.

use super::allowed;
use super::modules::{Modules, top_module};
use super::source::SourceFile;
use super::{Violation, check, sources};
use std::collections::{BTreeMap, BTreeSet};

/// Most files of `src` that may use each other in a circle.
const MAX_FILES_IN_CIRCLE: usize = 3;

/// Nodes with the nodes that they use. An edge carries a place in the code that causes it.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// Returns the graph of files. Test code is left out; `mod` declarations and imports of a whole module are no edges.
fn file_graph(files: &[SourceFile], with_interfaces: bool) -> Graph {
    let modules = Modules::new(files);
    let is_counted = |file: &SourceFile| !file.is_test && (with_interfaces || !file.is_interface());
    let mut graph = Graph::new();
    for (index, file) in modules.production_files().filter(|(_, file)| is_counted(file)) {
        let edges = graph.entry(file.path.clone()).or_default();
        for (path, target) in modules.uses(file) {
            let used = modules.file(target.file);
            if target.file != index && is_counted(used) && !target.is_module {
                let place = format!("{}:{} uses {}", file.path, path.line, path.segments.join("::"));
                edges.entry(used.path.clone()).or_insert(place);
            }
        }
    }
    graph
}

/// Returns the graph of top-level modules, interface files left out. The crate roots are no modules.
fn module_graph(files: &[SourceFile]) -> Graph {
    let mut graph = Graph::new();
    for (user, edges) in file_graph(files, false) {
        let from = top_module(&user);
        for (used, place) in edges {
            let to = top_module(&used);
            if from != to && !from.is_empty() && !to.is_empty() {
                graph.entry(from.clone()).or_default().entry(to).or_insert(place);
            }
        }
    }
    graph
}

fn reachable(graph: &Graph, start: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(edges) = open.pop().and_then(|node| graph.get(node)) {
        for next in edges.keys().filter(|next| !seen.contains(next.as_str())).collect::<Vec<_>>() {
            seen.insert(next.clone());
            open.push(next);
        }
    }
    seen
}

/// Returns the strongly connected components of more than one node, largest first.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<String>> =
        graph.keys().map(|node| (node.as_str(), reachable(graph, node))).collect();
    let leads = |from: &str, to: &str| reach.get(from).is_some_and(|nodes| nodes.contains(to));
    let mut found: Vec<Vec<String>> = Vec::new();
    for node in graph.keys().filter(|node| leads(node, node)) {
        match found.iter_mut().find(|circle| leads(node, &circle[0]) && leads(&circle[0], node)) {
            Some(circle) => circle.push(node.clone()),
            None => found.push(vec![node.clone()]),
        }
    }
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

/// Returns every edge between top-level modules that is part of a circle, keyed `from -> to`.
fn module_circles(files: &[SourceFile]) -> Vec<Violation> {
    let graph = module_graph(files);
    let mut found = Vec::new();
    for circle in circles(&graph) {
        for (from, edges) in graph.iter().filter(|(from, _)| circle.contains(from)) {
            for (to, place) in edges.iter().filter(|(to, _)| circle.contains(to)) {
                let message = format!(
                    "{place}: `{from}` and `{to}` are in a circle ({}): move what both use into a lower module",
                    circle.join(", ")
                );
                found.push(Violation { key: format!("{from} -> {to}"), count: 1, message });
            }
        }
    }
    found
}

/// Returns the circles of files that are too large, largest first.
fn large_circles(files: &[SourceFile]) -> Vec<Vec<String>> {
    let mut found = circles(&file_graph(files, true));
    found.retain(|circle| circle.len() > MAX_FILES_IN_CIRCLE);
    found
}

#[test]
fn modules_form_no_circle() {
    check("modules that use each other", &module_circles(sources()), allowed::MODULE_CIRCLES);
}

#[test]
fn files_form_no_large_circle() {
    let graph = file_graph(sources(), true);
    let found = large_circles(sources());
    let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
    let describe = |circle: &Vec<String>| {
        let inner = |file: &String| {
            graph[file].iter().filter(|(to, _)| circle.contains(to)).map(|(_, place)| format!("    {place}"))
        };
        let places: Vec<String> = circle.iter().flat_map(inner).collect();
        format!("  {} files:\n{}", circle.len(), places.join("\n"))
    };
    assert!(
        sizes == allowed::FILE_CIRCLES,
        "circles of more than {MAX_FILES_IN_CIRCLE} files have the sizes {sizes:?}, allowed.rs lists {:?}. Smaller: \
         lower the list. Larger: move what the files share into a file that uses none of them.\n{}",
        allowed::FILE_CIRCLES,
        found.iter().map(describe).collect::<Vec<_>>().join("\n"),
    );
}

mod tests {
    use super::*;
    use crate::files_of;

    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let graph = file_graph(&files_of(files), true);
        let short = |path: &str| path.trim_start_matches("src/").trim_end_matches(".rs").to_owned();
        let pairs = graph.iter().flat_map(|(from, edges)| edges.keys().map(move |to| (from, to)));
        pairs.map(|(from, to)| format!("{} {}", short(from), short(to))).collect()
    }

    #[test]
    fn modules_that_use_each_other_are_found() {
        let found = module_circles(&files_of(&[
            ("src/sync/mod.rs", "use crate::delivery::Plan; pub struct Run;"),
            ("src/delivery/mod.rs", "pub struct Plan;"),
            ("src/delivery/deep/one.rs", "fn f() { crate::sync::Run }"),
            ("src/names.rs", ""),
        ]));
        let keys: Vec<&str> = found.iter().map(|violation| violation.key.as_str()).collect();
        assert_eq!(keys, ["delivery -> sync", "sync -> delivery"]);
    }

    #[test]
    fn interface_files_and_tests_close_no_circle_of_modules() {
        for path in ["src/delivery/cli.rs", "src/delivery/api/list.rs", "src/delivery/tests.rs"] {
            let found = module_circles(&files_of(&[
                ("src/sync/mod.rs", "use crate::delivery::Plan; pub struct Run;"),
                ("src/delivery/mod.rs", "pub struct Plan;"),
                (path, "use crate::sync::Run;"),
            ]));
            assert!(found.is_empty(), "{path}");
        }
    }

    #[test]
    fn circle_of_four_files_is_found_and_of_three_is_allowed() {
        let ring = |length: usize| -> Vec<(String, String)> {
            let next = |at: usize| format!("use super::f{}::T; pub struct T;", (at + 1) % length);
            (0..length).map(|at| (format!("src/sync/f{at}.rs"), next(at))).collect()
        };
        let sizes = |length: usize| {
            let files = ring(length);
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            large_circles(&files_of(&files)).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!((sizes(3), sizes(4)), (vec![], vec![4]));
    }

    #[test]
    fn reexport_leads_to_the_file_that_defines_the_name() {
        let parent = ("src/sync/mod.rs", "mod a; mod b; pub use a::{Run as Other, *}; pub struct Own;");
        let defining = ("src/sync/a.rs", "pub struct Run; pub struct Deep;");
        assert_eq!(
            edges(&[parent, defining, ("src/sync/b.rs", "use super::Other;")]),
            ["sync/b sync/a", "sync/mod sync/a"]
        );
        assert_eq!(
            edges(&[parent, defining, ("src/sync/b.rs", "use super::Deep;")]),
            ["sync/b sync/a", "sync/mod sync/a"]
        );
        assert_eq!(edges(&[parent, defining, ("src/sync/b.rs", "use super::Own;")])[0], "sync/b sync/mod");
    }

    #[test]
    fn path_through_an_imported_module_is_an_edge_and_the_import_alone_is_none() {
        let files = [("src/a/mod.rs", "mod store; pub fn own() {}"), ("src/a/store.rs", "pub fn load() {}")];
        let with = |text| edges(&[files[0], files[1], ("src/b.rs", text)]);
        assert_eq!(with("use crate::a;"), [""; 0]);
        assert_eq!(with("use crate::a; fn f() { a::own() }"), ["b a/mod"]);
        assert_eq!(with("use crate::a::store; fn f() { store::load() }"), ["b a/store"]);
        assert_eq!(edges(&[("src/a/mod.rs", "mod store; fn f() { store::load() }"), files[1]]), ["a/mod a/store"]);
    }
}
