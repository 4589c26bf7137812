//! Writing: from input fields to a document that this tenant understands, and from its payload to what happened.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::redaction::Discretion;
use crate::call::response::Answer;
use crate::client::Client;
use crate::error::{Error, GraphqlError, Outcome, PayloadError};
use crate::id::Id;
use crate::lenient;
use crate::schema::dialect::Dialect;
use crate::schema::document::{Arg, Document};

/// Something was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Its global id.
    pub id: Id,
    /// Errors that came along although it was created.
    pub warnings: Vec<PayloadError>,
    /// Input fields that this tenant's API does not take.
    pub left_out: Vec<&'static str>,
    #[serde(skip)]
    pub(crate) object: Value,
}

/// Something was changed, as far as this tenant's API can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Input fields that this tenant's API does not take: they have to be changed there by hand. When these were all,
    /// nothing was sent.
    pub left_out: Vec<&'static str>,
}

/// A mutation under construction.
#[derive(Clone)]
pub(crate) struct Mutation {
    pub operation: &'static str,
    /// The payload's field that holds what was written; empty where there is none.
    object: &'static str,
    /// What the payload's object shows, its id among it.
    pub shown: String,
    arguments: Vec<(&'static str, Arg)>,
    inputs: Vec<Input>,
}

#[derive(Clone)]
struct Input {
    name: &'static str,
    arg: Arg,
    otherwise: Option<(&'static str, Arg)>,
    is_quiet: bool,
}

impl Mutation {
    pub(crate) fn new(operation: &'static str, object: &'static str) -> Self {
        Self { operation, object, shown: "id".to_owned(), arguments: Vec::new(), inputs: Vec::new() }
    }

    /// An argument beside `input`.
    pub(crate) fn argument(&mut self, name: &'static str, arg: Arg) {
        self.arguments.push((name, arg));
    }

    /// A field of `input`, under its documented name.
    pub(crate) fn input(&mut self, name: &'static str, arg: Arg) {
        self.input_or(name, arg, None);
    }

    /// As [`Self::input`], where there is something to say.
    pub(crate) fn input_some(&mut self, name: &'static str, arg: Option<Arg>) {
        if let Some(arg) = arg {
            self.input(name, arg);
        }
    }

    /// As [`Self::input`]; where the tenant has no such field, the other one is tried.
    pub(crate) fn input_or(&mut self, name: &'static str, arg: Arg, otherwise: Option<(&'static str, Arg)>) {
        self.inputs.push(Input { name, arg, otherwise, is_quiet: false });
    }

    /// As [`Self::input`]; nobody misses it where the tenant has no such field.
    pub(crate) fn input_quietly(&mut self, name: &'static str, arg: Arg) {
        self.input(name, arg);
        if let Some(input) = self.inputs.last_mut() {
            input.is_quiet = true;
        }
    }

    /// The fields that are to be emptied.
    fn emptied(&self) -> Vec<&'static str> {
        self.inputs.iter().filter(|input| input.arg == Arg::Null).map(|input| input.name).collect()
    }

    /// Whether an error speaks of nothing but fields that cannot be emptied.
    fn cannot_be_emptied(&self, error: &Error) -> bool {
        let emptied = self.emptied();
        let named = |text: &str| emptied.iter().any(|name| text.contains(name));
        match error {
            Error::Refused { errors, .. } => errors.iter().all(|error| named(&error.label) || named(&error.message)),
            Error::Graphql { errors, outcome: Outcome::NotDone, .. } => {
                errors.iter().all(|error| named(&error.message))
            }
            _ => false,
        }
    }

    /// The fields that this tenant takes, and the names of those that it does not.
    fn sorted(&self, dialect: &Dialect) -> (Vec<(&'static str, Arg)>, Vec<&'static str>) {
        let mut taken = Vec::new();
        let mut left_out = Vec::new();
        for input in &self.inputs {
            let otherwise = input
                .otherwise
                .as_ref()
                .and_then(|(name, arg)| Some((dialect.input_field(self.operation, name)?, arg)));
            let spelled = dialect.input_field(self.operation, input.name);
            match spelled.map(|name| (name, &input.arg)).or(otherwise) {
                Some((name, arg)) => taken.push((name, arg.clone())),
                None if input.is_quiet => {}
                None => left_out.push(input.name),
            }
        }
        (taken, left_out)
    }

    /// The document in this tenant's dialect.
    fn document(&self, dialect: &Dialect) -> Document {
        let mut args = self.arguments.clone();
        let (fields, _) = self.sorted(dialect);
        if !fields.is_empty() {
            args.push(("input", Arg::Object(fields)));
        }
        let errors = "errors { label message value }";
        let selection = match self.object {
            "" => errors.to_owned(),
            object => format!("{object} {{ {} }} {errors}", self.shown),
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
    /// Sends a mutation that makes something. The id in the answer decides whether it did.
    pub(crate) async fn create(&self, mutation: &Mutation) -> Result<Created, Error> {
        let operation = mutation.operation;
        let dialect = self.dialect().await?;
        if !dialect.offers(operation) {
            return Err(Error::Unsupported { operation });
        }
        let answer = self.run(&|dialect| mutation.document(dialect)).await?;
        let payload = Payload::read(&answer.value, mutation.object).discreet(self.discretion());
        let left_out = mutation.sorted(&*self.dialect().await?).1;
        let id = payload.object.get("id").and_then(|id| Id::deserialize(id).ok());
        match id {
            Some(id) => Ok(Created { id, warnings: payload.warnings(&answer), left_out, object: payload.object }),
            None => Err(payload.failure(operation, answer).unwrap_or_else(|| Error::Unreadable {
                operation,
                detail: format!("neither {}.id nor an error", mutation.object),
                outcome: Outcome::Doubtful,
            })),
        }
    }

    /// Sends a mutation that changes something. Any error in the answer means that it did not. Fields that the tenant
    /// takes, but not empty, are left out.
    pub(crate) async fn write(&self, mutation: &Mutation) -> Result<Written, Error> {
        match self.write_once(mutation).await {
            Err(error) if mutation.cannot_be_emptied(&error) => {
                let mut rest = mutation.clone();
                rest.inputs.retain(|input| input.arg != Arg::Null);
                let mut written = self.write_once(&rest).await?;
                written.left_out.extend(mutation.emptied());
                Ok(written)
            }
            ended => ended,
        }
    }

    async fn write_once(&self, mutation: &Mutation) -> Result<Written, Error> {
        let operation = mutation.operation;
        let dialect = self.dialect().await?;
        if !dialect.offers(operation) {
            return Err(Error::Unsupported { operation });
        }
        let (fields, left_out) = mutation.sorted(&dialect);
        if fields.is_empty() && !mutation.arguments.iter().any(|(name, _)| *name == "input") {
            return Ok(Written { left_out });
        }
        let answer = self.run(&|dialect| mutation.document(dialect)).await?;
        // What was learnt meanwhile may have left out more.
        let left_out = mutation.sorted(&*self.dialect().await?).1;
        let payload = Payload::read(&answer.value, mutation.object).discreet(self.discretion());
        let is_nothing = answer.value.get(mutation.object).is_some_and(Value::is_null);
        match payload.failure(operation, answer) {
            Some(error) => Err(error),
            None if is_nothing => Err(Error::Unreadable {
                operation,
                detail: format!("{} is null, and there is no error", mutation.object),
                outcome: Outcome::Doubtful,
            }),
            None => Ok(Written { left_out }),
        }
    }
}

/// A mutation's payload, whether it came as an object or as a list.
struct Payload {
    /// The object that was written; null where there is none. Of several the first.
    object: Value,
    errors: Vec<PayloadError>,
}

impl Payload {
    fn read(value: &Value, object: &str) -> Self {
        let parts = match value {
            Value::Array(parts) => parts.iter().collect(),
            one => vec![one],
        };
        let objects = parts.iter().filter_map(|part| part.get(object));
        let first = objects.flat_map(|object| match object {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        });
        Self {
            object: first.into_iter().find(|item| item.is_object()).cloned().unwrap_or_default(),
            errors: parts.iter().flat_map(|part| errors_of(part)).collect(),
        }
    }

    fn discreet(self, discretion: &Discretion) -> Self {
        let errors = self.errors.into_iter().map(|error| discretion.payload_error(error)).collect();
        Self { errors, ..self }
    }

    /// The errors of the payload, and those at the top as far as they came along.
    fn warnings(&self, answer: &Answer) -> Vec<PayloadError> {
        let top = answer
            .errors
            .iter()
            .map(|error| PayloadError { message: error.message.clone(), ..PayloadError::default() });
        self.errors.iter().cloned().chain(top).collect()
    }

    fn failure(self, operation: &'static str, answer: Answer) -> Option<Error> {
        if !self.errors.is_empty() {
            let errors = self.errors;
            return Some(Error::Refused { operation, errors });
        }
        let errors: Vec<GraphqlError> = answer.errors;
        (!errors.is_empty()).then_some(Error::Graphql { operation, errors, outcome: Outcome::Doubtful })
    }
}

fn errors_of(part: &Value) -> Vec<PayloadError> {
    lenient::nodes(part.get("errors").unwrap_or(&Value::Null))
        .into_iter()
        .filter(|error| !error.is_null())
        .map(|error| {
            PayloadError::deserialize(error)
                .unwrap_or_else(|_| PayloadError { message: error.to_string(), ..PayloadError::default() })
        })
        .collect()
}
