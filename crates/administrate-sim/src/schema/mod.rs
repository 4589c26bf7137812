//! The schema of one profile, and documents validated against it.
//!
//! Validation follows the GraphQL specification: what apollo-compiler checks, and [`extra_checks`] what it leaves
//! out. Results are kept per document text, since clients send the same few thousands of times.

pub(crate) mod arguments;
pub(crate) mod extra_checks;
pub(crate) mod profile;
pub(crate) mod scalars;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use crate::schema::profile::Profile;

const TEXT: &str = include_str!("schema.graphql");

/// How many documents are remembered; beyond that all are forgotten, which costs a parse each.
const REMEMBERED: usize = 1_000;

/// What became of a document text: valid, or the `errors` to answer with.
pub(crate) type Checked = Result<Arc<Valid<ExecutableDocument>>, Arc<Vec<Value>>>;

/// One profile's schema with the documents seen so far.
pub(crate) struct SchemaOf {
    pub(crate) profile: Profile,
    pub(crate) schema: Valid<Schema>,
    seen: Mutex<HashMap<String, Checked>>,
}

impl SchemaOf {
    /// The schema of a profile. `Err` tells what is wrong with the text; a test proves that nothing is.
    pub(crate) fn new(profile: Profile) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(text_of(profile), "schema.graphql")
            .map_err(|invalid| invalid.errors.to_string())?;
        Ok(Self { profile, schema, seen: Mutex::default() })
    }

    /// Parses and validates a document.
    pub(crate) fn check(&self, document: &str) -> Checked {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(document) {
            return known.clone();
        }
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        let checked = self.check_anew(document);
        seen.insert(document.to_owned(), checked.clone());
        checked
    }

    fn check_anew(&self, document: &str) -> Checked {
        let parsed = ExecutableDocument::parse_and_validate(&self.schema, document, "document");
        let valid = parsed.map_err(|invalid| {
            let errors = invalid.errors.iter().map(|problem| json!(problem.to_json()));
            Arc::new(errors.collect::<Vec<_>>())
        })?;
        let misuses = extra_checks::misuses(&self.schema, &valid);
        if misuses.is_empty() { Ok(Arc::new(valid)) } else { Err(Arc::new(misuses)) }
    }
}

/// The schema text without the lines of other profiles.
pub(crate) fn text_of(profile: Profile) -> String {
    let stands = |line: &&str| match line.split_once("#@ ") {
        Some((_, variant)) => line.starts_with('#') || profile.has(variant.trim()),
        None => true,
    };
    TEXT.lines().filter(stands).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_a_valid_schema() {
        for profile in Profile::ALL {
            assert_eq!(SchemaOf::new(profile).err(), None, "{profile}");
        }
    }

    #[test]
    fn profiles_differ_where_they_should() {
        let [classic, current, extended] = Profile::ALL.map(text_of);
        assert!(classic.contains("taxType: ID!") && !classic.contains("taxTypeId: ID!"));
        assert!(current.contains("taxTypeId: ID!") && !current.contains("type LocationMutations"));
        assert!(extended.contains("type LocationMutations"));
        assert!(classic.contains("prices: [CoursePrice!] ") && current.contains("prices: CoursePrice "));
    }
}
