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
const MAX_CACHED_DOCUMENTS: usize = 1_000;

/// What became of a document text: valid, or the `errors` to answer with.
pub(crate) type ValidationResult = Result<Arc<Valid<ExecutableDocument>>, Arc<Vec<Value>>>;

/// One profile's schema with the documents cache so far.
pub(crate) struct ProfileSchema {
    pub(crate) profile: Profile,
    pub(crate) schema: Valid<Schema>,
    cache: Mutex<HashMap<String, ValidationResult>>,
}

impl ProfileSchema {
    /// The schema of a profile. `Err` tells what is wrong with the text; a test proves that nothing is.
    pub(crate) fn new(profile: Profile) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(schema_text(profile), "schema.graphql")
            .map_err(|invalid| invalid.errors.to_string())?;
        Ok(Self { profile, schema, cache: Mutex::default() })
    }

    /// Parses and validates a document.
    pub(crate) fn validate(&self, document: &str) -> ValidationResult {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = cache.get(document) {
            return result.clone();
        }
        if cache.len() >= MAX_CACHED_DOCUMENTS {
            cache.clear();
        }
        let result = self.validate_uncached(document);
        cache.insert(document.to_owned(), result.clone());
        result
    }

    fn validate_uncached(&self, document: &str) -> ValidationResult {
        let parsed = ExecutableDocument::parse_and_validate(&self.schema, document, "document");
        let valid = parsed.map_err(|invalid| {
            let errors = invalid.errors.iter().map(|problem| json!(problem.to_json()));
            Arc::new(errors.collect::<Vec<_>>())
        })?;
        let violations = extra_checks::violations(&self.schema, &valid);
        if violations.is_empty() { Ok(Arc::new(valid)) } else { Err(Arc::new(violations)) }
    }
}

/// The schema text without the lines of other profiles.
pub(crate) fn schema_text(profile: Profile) -> String {
    let is_included = |line: &&str| match line.split_once("#@ ") {
        Some((_, variant)) => line.starts_with('#') || profile.has_variant(variant.trim()),
        None => true,
    };
    TEXT.lines().filter(is_included).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_a_valid_schema() {
        for profile in Profile::ALL {
            assert_eq!(ProfileSchema::new(profile).err(), None, "{profile}");
        }
    }

    #[test]
    fn profiles_differ_where_they_should() {
        let [classic, current, extended] = Profile::ALL.map(schema_text);
        assert!(classic.contains("taxType: ID!") && !classic.contains("taxTypeId: ID!"));
        assert!(current.contains("taxTypeId: ID!") && !current.contains("type LocationMutations"));
        assert!(extended.contains("type LocationMutations"));
        assert!(classic.contains("prices: [CoursePrice!] ") && current.contains("prices: CoursePrice "));
    }
}
