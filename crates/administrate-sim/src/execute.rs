//! A GraphQL request from its text to its answer.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{JsonMap, JsonValue, serde_json_bytes};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::faults::PayloadTrouble;
use crate::log::Mutation;
use crate::schema::SchemaOf;
use crate::schema::extra_checks;
use crate::tenant::Tenant;
use crate::view::{Entity, Object, What, World};

/// The JSON body of a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) query: String,
    #[serde(default)]
    pub(crate) variables: Option<JsonMap>,
    #[serde(default)]
    pub(crate) operation_name: Option<String>,
}

/// A request that may be carried out: its document is valid, its variables are coerced.
pub(crate) struct Prepared {
    document: Arc<Valid<ExecutableDocument>>,
    operation: Node<Operation>,
    variables: Valid<JsonMap>,
    /// `locations`, `event.createBlended`: what faults and counters know it by.
    pub(crate) operations: Vec<String>,
}

/// Validates a request. `Err` is the answer, without `data`.
pub(crate) fn prepare(schema: &SchemaOf, request: Request) -> Result<Prepared, JsonMap> {
    let document = schema.check(&request.query).map_err(|errors| refused_all(&errors))?;
    let operation = document
        .operations
        .get(request.operation_name.as_deref())
        .map_err(|error| refused(&error.message().to_string()))?
        .clone();
    let given = request.variables.unwrap_or_default();
    let variables = coerce_variable_values(&schema.schema, &operation, &given)
        .map_err(|error| refused(&error.message().to_string()))?;
    if let Some(problem) = extra_checks::variable_misuse(&schema.schema, &operation, &variables) {
        return Err(refused(&problem));
    }
    let operations = paths(&document, &operation);
    Ok(Prepared { document, operation, variables, operations })
}

/// Root fields of a query, `group.verb` of a mutation.
fn paths(document: &ExecutableDocument, operation: &Operation) -> Vec<String> {
    let mut found = Vec::new();
    for field in operation.root_fields(document) {
        if operation.operation_type == OperationType::Mutation {
            let verbs = field.selection_set.root_fields(document);
            found.extend(verbs.map(|verb| format!("{}.{}", field.name, verb.name)));
        } else {
            found.push(field.name.to_string());
        }
    }
    found
}

/// Carries a request out. Gives the answer and what it did.
pub(crate) fn carry_out(
    schema: &SchemaOf,
    prepared: &Prepared,
    tenant: &mut Tenant,
    now: Timestamp,
    trouble: Option<PayloadTrouble>,
) -> (JsonMap, Vec<Mutation>) {
    let world = World {
        tenant: RefCell::new(tenant),
        now,
        schema: &schema.schema,
        variables: &prepared.variables,
        trouble: Cell::new(trouble),
        mutations: RefCell::default(),
    };
    let root = match prepared.operation.operation_type {
        OperationType::Mutation => Entity::Mutation,
        _ => Entity::Query,
    };
    let executed = Execution::new(&schema.schema, &prepared.document)
        .operation(&prepared.operation)
        .coerced_variable_values(&prepared.variables)
        .enable_schema_introspection(schema.profile.introspection)
        .execute_sync(&Object { world: &world, what: What::Entity(root) });
    let answer = match executed {
        Ok(response) => match serde_json_bytes::to_value(&response) {
            Ok(JsonValue::Object(answer)) => answer,
            _ => refused("the answer cannot be written as JSON"),
        },
        Err(error) => refused(&error.message().to_string()),
    };
    (answer, world.mutations.into_inner())
}

/// An answer that has errors and no data: nothing was executed.
pub(crate) fn refused(message: &str) -> JsonMap {
    refused_all(&[serde_json::json!({ "message": message })])
}

fn refused_all(errors: &[Value]) -> JsonMap {
    let errors: JsonValue = errors.iter().cloned().map(JsonValue::from).collect();
    JsonMap::from_iter([("errors".into(), errors)])
}
