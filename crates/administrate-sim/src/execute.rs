//! Validation and execution of a GraphQL request.

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

use crate::faults::PayloadFault;
use crate::log::Mutation;
use crate::schema::ProfileSchema;
use crate::schema::extra_checks;
use crate::tenant::Tenant;
use crate::view::{Entity, Object, ObjectData, View};

/// The JSON body of a GraphQL request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) query: String,
    #[serde(default)]
    pub(crate) variables: Option<JsonMap>,
    #[serde(default)]
    pub(crate) operation_name: Option<String>,
}

/// A request ready for execution: its document is valid and its variables are coerced.
pub(crate) struct PreparedRequest {
    document: Arc<Valid<ExecutableDocument>>,
    operation: Node<Operation>,
    variables: Valid<JsonMap>,
    /// Operation paths that faults and counters use: `locations`, `event.createBlended`.
    pub(crate) operations: Vec<String>,
}

/// Validates a request. `Err` is the response body: `errors` without `data`.
pub(crate) fn prepare(schema: &ProfileSchema, request: Request) -> Result<PreparedRequest, JsonMap> {
    let document = schema.validate(&request.query).map_err(|errors| errors_response(&errors))?;
    let operation = document
        .operations
        .get(request.operation_name.as_deref())
        .map_err(|error| error_response(&error.message().to_string()))?
        .clone();
    let provided = request.variables.unwrap_or_default();
    let variables = coerce_variable_values(&schema.schema, &operation, &provided)
        .map_err(|error| error_response(&error.message().to_string()))?;
    if let Some(message) = extra_checks::variable_error(&schema.schema, &operation, &variables) {
        return Err(error_response(&message));
    }
    let operations = operation_paths(&document, &operation);
    Ok(PreparedRequest { document, operation, variables, operations })
}

/// Returns the root fields of a query, or `group.field` of each mutation.
fn operation_paths(document: &ExecutableDocument, operation: &Operation) -> Vec<String> {
    let mut paths = Vec::new();
    for field in operation.root_fields(document) {
        if operation.operation_type == OperationType::Mutation {
            let fields = field.selection_set.root_fields(document);
            paths.extend(fields.map(|mutation| format!("{}.{}", field.name, mutation.name)));
        } else {
            paths.push(field.name.to_string());
        }
    }
    paths
}

/// Executes a request. Returns the response body and the mutations of the request.
pub(crate) fn run(
    schema: &ProfileSchema,
    prepared: &PreparedRequest,
    tenant: &mut Tenant,
    now: Timestamp,
    payload_fault: Option<PayloadFault>,
) -> (JsonMap, Vec<Mutation>) {
    let view = View {
        tenant: RefCell::new(tenant),
        now,
        schema: &schema.schema,
        variables: &prepared.variables,
        payload_fault: Cell::new(payload_fault),
        mutations: RefCell::default(),
    };
    let root = match prepared.operation.operation_type {
        OperationType::Mutation => Entity::Mutation,
        _ => Entity::Query,
    };
    let execution = Execution::new(&schema.schema, &prepared.document)
        .operation(&prepared.operation)
        .coerced_variable_values(&prepared.variables)
        .enable_schema_introspection(schema.profile.introspection)
        .execute_sync(&Object { view: &view, data: ObjectData::Entity(root) });
    let response = match execution {
        Ok(response) => match serde_json_bytes::to_value(&response) {
            Ok(JsonValue::Object(response)) => response,
            _ => error_response("the response cannot be written as JSON"),
        },
        Err(error) => error_response(&error.message().to_string()),
    };
    (response, view.mutations.into_inner())
}

/// Returns a response with one error and no `data`: nothing was executed.
pub(crate) fn error_response(message: &str) -> JsonMap {
    errors_response(&[serde_json::json!({ "message": message })])
}

fn errors_response(errors: &[Value]) -> JsonMap {
    let errors: JsonValue = errors.iter().cloned().map(JsonValue::from).collect();
    JsonMap::from_iter([("errors".into(), errors)])
}
