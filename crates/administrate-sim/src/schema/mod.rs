//! The schema of one profile, and documents validated against it.
//!
//! Validation follows the GraphQL specification: apollo-compiler checks most of it, [`extra_checks`] the rest. Results
//! are cached by document text, because clients send few documents many times.

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

/// Maximum number of cached validation results. A full cache is cleared.
const MAX_CACHED_DOCUMENTS: usize = 1_000;

/// A valid document, or the `errors` of the response.
pub(crate) type ValidationResult = Result<Arc<Valid<ExecutableDocument>>, Arc<Vec<Value>>>;

/// The schema of one profile, with a cache of validated documents.
pub(crate) struct ProfileSchema {
    pub(crate) profile: Profile,
    pub(crate) schema: Valid<Schema>,
    cache: Mutex<HashMap<String, ValidationResult>>,
}

impl ProfileSchema {
    /// Parses the schema of a profile. `Err` describes errors in the schema text; a test proves that there are none.
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
            let errors = invalid.errors.iter().map(|error| json!(error.to_json()));
            Arc::new(errors.collect::<Vec<_>>())
        })?;
        let violations = extra_checks::violations(&self.schema, &valid);
        if violations.is_empty() { Ok(Arc::new(valid)) } else { Err(Arc::new(violations)) }
    }
}

/// Returns the schema text without the lines of other profiles.
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
    fn schema_text_of_each_profile_contains_its_variants_only() {
        let [classic, current, extended] = Profile::ALL.map(schema_text);
        assert!(classic.contains("taxType: ID!") && !classic.contains("taxTypeId: ID!"));
        assert!(current.contains("taxTypeId: ID!") && !current.contains("type LocationMutations"));
        assert!(extended.contains("type LocationMutations"));
        assert!(classic.contains("prices: [CoursePrice!] ") && current.contains("prices: CoursePrice "));
    }
}
