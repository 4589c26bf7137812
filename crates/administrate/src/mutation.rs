//! Mutations: from input fields to a document in the tenant's dialect, and from its payload to the result.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::redaction::Redactor;
use crate::call::response::GraphqlResponse;
use crate::client::Client;
use crate::error::{Error, GraphqlError, Outcome, PayloadError};
use crate::id::Id;
use crate::lenient;
use crate::schema::dialect::Dialect;
use crate::schema::document::{Arg, Document};
use crate::text::is_control_character;

/// The result of a mutation that created a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedRecord {
    /// Global id of the record.
    pub id: Id,
    /// Errors that Administrate returned although it created the record.
    pub warnings: Vec<PayloadError>,
    /// Input fields that this tenant's API does not have.
    #[serde(rename = "left_out")]
    pub unsupported_fields: Vec<&'static str>,
    #[serde(skip)]
    pub(crate) object: Value,
}

/// The result of a mutation that changed or deleted records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UpdateResult {
    /// Input fields that this tenant's API does not have: a user has to change them manually in Administrate.
    ///
    /// If no other field was given, nothing was sent.
    #[serde(rename = "left_out")]
    pub unsupported_fields: Vec<&'static str>,
}

/// A mutation under construction.
#[derive(Clone)]
pub(crate) struct Mutation {
    pub operation: &'static str,
    /// The payload's field with the written record; empty if there is none.
    object: &'static str,
    /// Selection set of that record, including `id`.
    pub selection: String,
    arguments: Vec<(&'static str, Arg)>,
    inputs: Vec<Input>,
}

#[derive(Clone)]
struct Input {
    name: &'static str,
    arg: Arg,
    fallback: Option<(&'static str, Arg)>,
    /// Whether it is omitted silently if the tenant does not have it.
    is_optional: bool,
}

impl Mutation {
    pub(crate) fn new(operation: &'static str, object: &'static str) -> Self {
        Self { operation, object, selection: "id".to_owned(), arguments: Vec::new(), inputs: Vec::new() }
    }

    /// Adds an argument other than `input`.
    pub(crate) fn argument(&mut self, name: &'static str, arg: Arg) {
        self.arguments.push((name, arg));
    }

    /// Adds a field of `input` by its documented name.
    pub(crate) fn input(&mut self, name: &'static str, arg: Arg) {
        self.input_with_fallback(name, arg, None);
    }

    /// Adds a field of `input` if `arg` is present.
    pub(crate) fn input_if_some(&mut self, name: &'static str, arg: Option<Arg>) {
        if let Some(arg) = arg {
            self.input(name, arg);
        }
    }

    /// Adds a field of `input`, or `fallback` if the tenant has no such field.
    pub(crate) fn input_with_fallback(&mut self, name: &'static str, arg: Arg, fallback: Option<(&'static str, Arg)>) {
        self.inputs.push(Input { name, arg, fallback, is_optional: false });
    }

    /// Adds a field of `input` that is omitted silently if the tenant has no such field.
    pub(crate) fn input_if_supported(&mut self, name: &'static str, arg: Arg) {
        self.input(name, arg);
        if let Some(input) = self.inputs.last_mut() {
            input.is_optional = true;
        }
    }

    /// Returns the fields that are to be cleared.
    fn cleared_fields(&self) -> Vec<&'static str> {
        self.inputs.iter().filter(|input| input.arg == Arg::Null).map(|input| input.name).collect()
    }

    /// Returns whether `error` concerns only fields that the tenant refuses to clear.
    fn is_clearing_rejected(&self, error: &Error) -> bool {
        let cleared = self.cleared_fields();
        let is_named = |text: &str| cleared.iter().any(|name| text.contains(name));
        match error {
            Error::Refused { errors, .. } => {
                errors.iter().all(|error| is_named(&error.label) || is_named(&error.message))
            }
            Error::Graphql { errors, outcome: Outcome::NotApplied, .. } => {
                errors.iter().all(|error| is_named(&error.message))
            }
            _ => false,
        }
    }

    /// Returns the fields that this tenant has, and the names of those that it does not have.
    fn split_by_support(&self, dialect: &Dialect) -> (Vec<(&'static str, Arg)>, Vec<&'static str>) {
        let mut supported = Vec::new();
        let mut unsupported_fields = Vec::new();
        for input in &self.inputs {
            let fallback =
                input.fallback.as_ref().and_then(|(name, arg)| Some((dialect.input_field(self.operation, name)?, arg)));
            let spelling = dialect.input_field(self.operation, input.name);
            match spelling.map(|name| (name, &input.arg)).or(fallback) {
                Some((name, arg)) => supported.push((name, arg.clone())),
                None if input.is_optional => {}
                None => unsupported_fields.push(input.name),
            }
        }
        (supported, unsupported_fields)
    }

    /// Returns the document in the tenant's dialect.
    fn document(&self, dialect: &Dialect) -> Document {
        let mut args = self.arguments.clone();
        let (fields, _) = self.split_by_support(dialect);
        if !fields.is_empty() {
            args.push(("input", Arg::Object(fields)));
        }
        let errors = "errors { label message value }";
        let selection = match self.object {
            "" => errors.to_owned(),
            object => format!("{object} {{ {} }} {errors}", self.selection),
        };
        Document {
            operation: self.operation,
            is_mutation: true,
            path: self.operation.split('.').collect(),
            args,
            selection,
        }
    }
}

impl Client {
    /// Sends a mutation that creates a record. It succeeded if the response contains an id.
    pub(crate) async fn create(&self, mutation: &Mutation) -> Result<CreatedRecord, Error> {
        let operation = mutation.operation;
        let dialect = self.dialect().await?;
        if !dialect.supports(operation) {
            return Err(Error::Unsupported { operation });
        }
        let response = self.run(&|dialect| mutation.document(dialect)).await?;
        let payload = Payload::parse(&response.value, mutation.object).redacted(self.redactor());
        let unsupported_fields = mutation.split_by_support(&*self.dialect().await?).1;
        let id = payload.object.get("id").and_then(|id| Id::deserialize(id).ok());
        let id = id.filter(|id| !id.as_str().contains(is_control_character));
        match id {
            Some(id) => Ok(CreatedRecord {
                id,
                warnings: payload.warnings(&response),
                unsupported_fields,
                object: payload.object,
            }),
            None => Err(payload.into_error(operation, response).unwrap_or_else(|| Error::Unreadable {
                operation,
                detail: format!("it contains neither {}.id nor an error", mutation.object),
                outcome: Outcome::InDoubt,
            })),
        }
    }

    /// Sends a mutation that changes records. Any error in the response means that it failed.
    ///
    /// If the tenant refuses to clear a field, the mutation is sent again without the cleared fields.
    pub(crate) async fn write(&self, mutation: &Mutation) -> Result<UpdateResult, Error> {
        match self.write_once(mutation).await {
            Err(error) if mutation.is_clearing_rejected(&error) => {
                let mut without_cleared = mutation.clone();
                without_cleared.inputs.retain(|input| input.arg != Arg::Null);
                let mut result = self.write_once(&without_cleared).await?;
                result.unsupported_fields.extend(mutation.cleared_fields());
                Ok(result)
            }
            result => result,
        }
    }

    async fn write_once(&self, mutation: &Mutation) -> Result<UpdateResult, Error> {
        let operation = mutation.operation;
        let dialect = self.dialect().await?;
        if !dialect.supports(operation) {
            return Err(Error::Unsupported { operation });
        }
        let (fields, unsupported_fields) = mutation.split_by_support(&dialect);
        if fields.is_empty() && !mutation.arguments.iter().any(|(name, _)| *name == "input") {
            return Ok(UpdateResult { unsupported_fields });
        }
        let response = self.run(&|dialect| mutation.document(dialect)).await?;
        // Corrections of the dialect during the call may have removed more fields.
        let unsupported_fields = mutation.split_by_support(&*self.dialect().await?).1;
        let payload = Payload::parse(&response.value, mutation.object).redacted(self.redactor());
        let is_null = response.value.get(mutation.object).is_some_and(Value::is_null);
        match payload.into_error(operation, response) {
            Some(error) => Err(error),
            None if is_null => Err(Error::Unreadable {
                operation,
                detail: format!("{} is null, and there is no error", mutation.object),
                outcome: Outcome::InDoubt,
            }),
            None => Ok(UpdateResult { unsupported_fields }),
        }
    }
}

/// A mutation's payload, which may be an object or a list.
struct Payload {
    /// The written record, the first of several; null if there is none.
    object: Value,
    errors: Vec<PayloadError>,
}

impl Payload {
    fn parse(value: &Value, object: &str) -> Self {
        let parts = match value {
            Value::Array(parts) => parts.iter().collect(),
            value => vec![value],
        };
        let objects = parts.iter().filter_map(|part| part.get(object));
        let first = objects.flat_map(|object| match object {
            Value::Array(items) => items.iter().collect(),
            value => vec![value],
        });
        Self {
            object: first.into_iter().find(|item| item.is_object()).cloned().unwrap_or_default(),
            errors: parts.iter().flat_map(|part| payload_errors(part)).collect(),
        }
    }

    fn redacted(self, redactor: &Redactor) -> Self {
        let errors = self.errors.into_iter().map(|error| redactor.redact_payload_error(error)).collect();
        Self { errors, ..self }
    }

    /// Returns the payload's errors and the top-level errors.
    fn warnings(&self, response: &GraphqlResponse) -> Vec<PayloadError> {
        let top = response
            .errors
            .iter()
            .map(|error| PayloadError { message: error.message.clone(), ..PayloadError::default() });
        self.errors.iter().cloned().chain(top).collect()
    }

    fn into_error(self, operation: &'static str, response: GraphqlResponse) -> Option<Error> {
        if !self.errors.is_empty() {
            let errors = self.errors;
            return Some(Error::Refused { operation, errors });
        }
        let errors: Vec<GraphqlError> = response.errors;
        (!errors.is_empty()).then_some(Error::Graphql { operation, errors, outcome: Outcome::InDoubt })
    }
}

fn payload_errors(part: &Value) -> Vec<PayloadError> {
    lenient::nodes(part.get("errors").unwrap_or(&Value::Null))
        .into_iter()
        .filter(|error| !error.is_null())
        .map(|error| {
            PayloadError::deserialize(error)
                .unwrap_or_else(|_| PayloadError { message: error.to_string(), ..PayloadError::default() })
        })
        .collect()
}
