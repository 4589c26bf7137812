//! The module tree of `src`: which file a path leads to.

use super::source::{Import, PathUse, SourceFile};
use std::collections::{HashMap, HashSet};

/// Re-exports followed for one name before the search gives up.
const MAX_REEXPORTS: usize = 8;

/// A path from the crate root, without `crate`.
type Absolute = Vec<String>;

/// The modules of the crate `lectern` with their items and imports.
pub struct Modules<'a> {
    files: &'a [SourceFile],
    /// Module path to the index of its file. Inline modules lead to the file around them.
    modules: HashMap<Absolute, usize>,
    items: HashSet<(Absolute, &'a str)>,
    imports: HashMap<(Absolute, &'a str), &'a PathUse>,
    globs: HashMap<Absolute, Vec<&'a PathUse>>,
}

/// Where a path leads.
#[derive(Debug, PartialEq)]
pub struct Target {
    /// Index of the file.
    pub file: usize,
    /// Top-level module as the path names it.
    pub top: String,
    /// The path ends at a module, not at an item of one.
    pub is_module: bool,
}

/// Returns the module path of a file below `src`; empty for `lib.rs` and `main.rs`.
pub fn module_of(path: &str) -> Absolute {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut parts: Absolute = inner.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || inner == "lib" || inner == "main" {
        parts.pop();
    }
    parts
}

/// Returns the top-level module of a file below `src`; empty for `lib.rs` and `main.rs`.
pub fn top_module(path: &str) -> String {
    module_of(path).into_iter().next().unwrap_or_default()
}

/// Marks the files of modules declared below `#[cfg(test)]`, with everything below them, as test code.
pub fn mark_test_files(files: &mut [SourceFile]) {
    let declared: Vec<Absolute> = files
        .iter()
        .filter(|file| file.path.starts_with("src/"))
        .flat_map(|file| file.test_modules.iter().map(|name| joined(&module_of(&file.path), name)))
        .collect();
    for file in files.iter_mut().filter(|file| file.path.starts_with("src/")) {
        let module = module_of(&file.path);
        file.is_test |= declared.iter().any(|test| module.starts_with(test));
    }
}

fn joined(module: &[String], name: &str) -> Absolute {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

impl<'a> Modules<'a> {
    /// Builds the tree from the files below `src`; other files are left out.
    pub fn new(files: &'a [SourceFile]) -> Self {
        let (modules, items) = (HashMap::new(), HashSet::new());
        let mut tree = Modules { files, modules, items, imports: HashMap::new(), globs: HashMap::new() };
        for (index, file) in files.iter().enumerate() {
            if file.path.starts_with("src/") && file.path != "src/main.rs" {
                tree.add(index, file);
            }
        }
        tree
    }

    fn add(&mut self, index: usize, file: &'a SourceFile) {
        let module = module_of(&file.path);
        let within = |inside: &[String]| -> Absolute { module.iter().chain(inside).cloned().collect() };
        self.modules.insert(module.clone(), index);
        for item in &file.items {
            if item.keyword == "mod" {
                self.modules.insert(joined(&within(&item.inside), &item.name), index);
            }
            self.items.insert((within(&item.inside), &item.name));
        }
        for path in &file.paths {
            match &path.import {
                Some(Import::Name(name)) => drop(self.imports.insert((within(&path.inside), name), path)),
                Some(Import::Glob) => self.globs.entry(within(&path.inside)).or_default().push(path),
                Some(Import::Local) | None => {}
            }
        }
    }

    /// Returns the file that a path written in `file` leads to. `None` when it leads out of the crate.
    pub fn resolve(&self, file: &SourceFile, path: &PathUse) -> Option<Target> {
        let module: Absolute = module_of(&file.path).into_iter().chain(path.inside.iter().cloned()).collect();
        self.resolve_in(&module, &path.segments, MAX_REEXPORTS)
    }

    fn resolve_in(&self, module: &[String], segments: &[String], depth: usize) -> Option<Target> {
        if let Some(absolute) = self.absolute(module, segments) {
            return self.target(&absolute, depth);
        }
        // The first name may be an import of this module: `use crate::outbox; outbox::enqueue()`.
        let (first, rest) = segments.split_first()?;
        let import = self.imports.get(&(module.to_vec(), first.as_str()))?;
        if depth == 0 || import.segments == segments {
            return None;
        }
        let whole: Vec<String> = import.segments.iter().chain(rest).cloned().collect();
        self.resolve_in(module, &whole, depth - 1)
    }

    /// Returns a path that starts with `crate`, `self`, `super`, the crate's name or a child module from the root.
    fn absolute(&self, module: &[String], segments: &[String]) -> Option<Absolute> {
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" | "lectern" => Some(rest.to_vec()),
            "self" | "super" => {
                let ups = rest.iter().take_while(|part| *part == "super").count();
                let levels = ups + usize::from(first == "super");
                let base = &module[..module.len().saturating_sub(levels)];
                Some(base.iter().chain(&rest[ups..]).cloned().collect())
            }
            name => {
                let child = joined(module, name);
                self.modules.contains_key(&child).then(|| module.iter().chain(segments).cloned().collect())
            }
        }
    }

    fn target(&self, absolute: &[String], depth: usize) -> Option<Target> {
        let length = (0..=absolute.len()).rev().find(|length| self.modules.contains_key(&absolute[..*length]))?;
        let (module, rest) = absolute.split_at(length);
        let file = self.modules[module];
        let top = module.first().cloned().unwrap_or_default();
        let Some(name) = rest.first() else {
            return Some(Target { file, top, is_module: true });
        };
        let reexported = if depth == 0 { None } else { self.reexported(module, name, &rest[1..], depth - 1) };
        match reexported {
            // A name of the crate root belongs to the module that defines it.
            Some(target) if top.is_empty() => Some(target),
            Some(target) => Some(Target { top, ..target }),
            None => Some(Target { file, top, is_module: false }),
        }
    }

    fn reexported(&self, module: &[String], name: &str, rest: &[String], depth: usize) -> Option<Target> {
        if self.items.contains(&(module.to_vec(), name)) {
            return None;
        }
        if let Some(import) = self.imports.get(&(module.to_vec(), name)) {
            let whole: Vec<String> = import.segments.iter().chain(rest).cloned().collect();
            return self.resolve_in(module, &whole, depth);
        }
        let globs = self.globs.get(module)?;
        globs.iter().find_map(|glob| {
            let source = self.absolute(module, &glob.segments)?;
            if !self.items.contains(&(source.clone(), name)) {
                return None;
            }
            self.target(&joined(&source, name), depth)
        })
    }

    /// Returns the paths of a file that lead to a module of the crate, test code left out.
    pub fn uses(&self, file: &'a SourceFile) -> Vec<(&'a PathUse, Target)> {
        let paths = file.paths.iter().filter(|path| !path.is_test);
        paths.filter_map(|path| Some((path, self.resolve(file, path)?))).collect()
    }

    /// Returns the files of `src` that are not test code.
    pub fn production_files(&self) -> impl Iterator<Item = (usize, &'a SourceFile)> {
        self.files.iter().enumerate().filter(|(_, file)| file.path.starts_with("src/") && !file.is_test)
    }

    /// Returns the file with this index.
    pub fn file(&self, index: usize) -> &'a SourceFile {
        &self.files[index]
    }
}
