//! Type names: one name, one meaning.

use super::source::SourceFile;
use super::{Violation, allowed, check, sources};
use std::collections::BTreeMap;

/// Returns the names that several types of `src` have, keyed by the name. Types inside functions are left out.
fn repeated_names(files: &[SourceFile]) -> Vec<Violation> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        let types =
            file.items.iter().filter(|item| ["struct", "enum", "trait", "type"].contains(&item.keyword.as_str()));
        types.for_each(|item| places.entry(&item.name).or_default().push(&file.path));
    }
    let repeated = places.into_iter().filter(|(_, files)| files.len() > 1);
    let describe = |(name, files): (&str, Vec<&str>)| Violation {
        key: name.to_owned(),
        count: files.len(),
        message: format!("`{name}` is defined in {}: rename all but one by what they contain", files.join(", ")),
    };
    repeated.map(describe).collect()
}

#[test]
fn type_names_are_unique() {
    let mut found = repeated_names(sources());
    for (name, reason) in allowed::TYPES_WRITTEN_WITH_MODULE {
        let is_needed = found.iter().any(|violation| violation.key == *name);
        assert!(is_needed, "`{name}` ({reason}) is unique: remove it from TYPES_WRITTEN_WITH_MODULE in allowed.rs");
    }
    found.retain(|violation| allowed::TYPES_WRITTEN_WITH_MODULE.iter().all(|(name, _)| *name != violation.key));
    check("type names with several meanings", &found, allowed::REPEATED_TYPES);
}

#[test]
fn name_of_two_types_is_found() {
    let found = repeated_names(&super::files_of(&[
        ("src/a.rs", "pub(crate) struct Plan<T> { a: T } struct Own; impl Plan { fn f() { struct Row; } }"),
        ("src/b.rs", "mod inner { type Plan = u8; } fn f() { struct Row; } impl A for B { type Own = u8; }"),
        ("crates/x/src/lib.rs", "struct Own;"),
    ]));
    let found: Vec<(&str, usize)> = found.iter().map(|violation| (violation.key.as_str(), violation.count)).collect();
    assert_eq!(found, [("Plan", 2)]);
}
