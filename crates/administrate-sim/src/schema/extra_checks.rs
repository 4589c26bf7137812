//! Checks of the GraphQL specification (October 2021) that apollo-compiler 1.33 does not make.
//!
//! - Variables inside input objects and lists must be allowed in their position (§5.8.5).
//!   The compiler compares base types only.
//! - Input fields must be unique (§5.6.3).
//! - Values of custom scalars must be valid, in documents and in variables.
//!
//! The compiler checks enum values, unknown fields and arguments, missing required ones and unused variables.

use apollo_compiler::ast::{Type, Value as Literal, VariableDefinition};
use apollo_compiler::executable::{Directive, Field, Operation};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, InputValueDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use serde_json::{Value, json};

use crate::schema::scalars;

/// Returns the violations in a document that the compiler does not find, as GraphQL errors.
pub(crate) fn violations(schema: &Valid<Schema>, document: &Valid<ExecutableDocument>) -> Vec<Value> {
    let mut violations = Vec::new();
    for operation in document.operations.iter() {
        let mut checker = DocumentChecker { schema, operation, violations: &mut violations };
        for field in operation.all_fields(document) {
            checker.check_field(field);
        }
    }
    violations.into_iter().map(|message| json!({ "message": message })).collect()
}

/// Returns why a variable is not a valid custom scalar, or `None`. Built-in types were coerced before.
pub(crate) fn variable_error(schema: &Schema, operation: &Operation, values: &JsonMap) -> Option<String> {
    operation.variables.iter().find_map(|variable| {
        let value = values.get(variable.name.as_str())?;
        let error = value_error(schema, &variable.ty, value)?;
        Some(format!("variable ${}: {error}", variable.name))
    })
}

fn value_error(schema: &Schema, ty: &Type, value: &JsonValue) -> Option<String> {
    match value {
        JsonValue::Null => None,
        JsonValue::Array(items) => items.iter().find_map(|item| value_error(schema, ty.item_type(), item)),
        _ => match schema.types.get(ty.inner_named_type())? {
            ExtendedType::Scalar(scalar) => {
                let plain = serde_json::to_value(value).unwrap_or_default();
                scalars::scalar_error(&scalar.name, &plain)
            }
            ExtendedType::InputObject(input) => value
                .as_object()?
                .iter()
                .find_map(|(name, value)| value_error(schema, &input.fields.get(name.as_str())?.ty, value)),
            _ => None,
        },
    }
}

struct DocumentChecker<'d> {
    schema: &'d Schema,
    operation: &'d Operation,
    violations: &'d mut Vec<String>,
}

impl DocumentChecker<'_> {
    fn check_field(&mut self, field: &Field) {
        for argument in &field.arguments {
            if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                self.check_position(definition, &argument.value);
            }
        }
        self.check_directives(&field.directives);
    }

    /// Checks directive arguments: `@skip` and `@include` exist, each with one Boolean.
    fn check_directives(&mut self, directives: &[Node<Directive>]) {
        for directive in directives {
            let Some(definition) = self.schema.directive_definitions.get(&directive.name) else {
                continue;
            };
            for argument in &directive.arguments {
                let expected = definition.arguments.iter().find(|definition| definition.name == argument.name);
                if let Some(expected) = expected {
                    self.check_position(expected, &argument.value);
                }
            }
        }
    }

    fn check_position(&mut self, definition: &InputValueDefinition, value: &Literal) {
        self.check_value(&definition.name, &definition.ty, definition.default_value.is_some(), value);
    }

    fn check_value(&mut self, name: &str, ty: &Type, has_default: bool, value: &Literal) {
        match value {
            Literal::Variable(variable) => {
                let used = self.operation.variables.iter().find(|definition| definition.name == *variable);
                if let Some(used) = used.filter(|used| !is_usage_allowed(used, ty, has_default)) {
                    self.violations.push(format!(
                        "variable \"${variable}\" of type \"{}\" cannot be used for \"{name}\" which expects type \"{ty}\"",
                        used.ty
                    ));
                }
            }
            Literal::Null => {}
            Literal::List(items) => {
                for item in items {
                    self.check_value(name, ty.item_type(), false, item);
                }
            }
            Literal::Object(fields) => self.check_object(name, ty, fields),
            literal => self.check_leaf(name, ty, literal),
        }
    }

    fn check_object(&mut self, name: &str, ty: &Type, fields: &[(apollo_compiler::Name, Node<Literal>)]) {
        let Some(ExtendedType::InputObject(input)) = self.schema.types.get(ty.inner_named_type()) else {
            return self.violations.push(format!("\"{name}\" expects type \"{ty}\", not an object"));
        };
        for (index, (key, value)) in fields.iter().enumerate() {
            if fields[..index].iter().any(|(earlier, _)| earlier == key) {
                self.violations.push(format!("there can be only one input field named \"{key}\""));
            }
            if let Some(definition) = input.fields.get(key) {
                self.check_position(definition, value);
            }
        }
    }

    fn check_leaf(&mut self, name: &str, ty: &Type, literal: &Literal) {
        let Some(ExtendedType::Scalar(scalar)) = self.schema.types.get(ty.inner_named_type()) else {
            return;
        };
        let error = match literal {
            Literal::String(text) => scalars::scalar_error(&scalar.name, &json!(text)),
            Literal::Boolean(flag) => scalars::scalar_error(&scalar.name, &json!(flag)),
            Literal::Int(number) => scalars::scalar_error(&scalar.name, &parse_number(number.as_str())),
            Literal::Float(number) => scalars::scalar_error(&scalar.name, &parse_number(number.as_str())),
            Literal::Enum(word) if !scalar.is_built_in() => Some(format!("{word} is not a valid {}", scalar.name)),
            _ => None,
        };
        if let Some(error) = error {
            self.violations.push(format!("\"{name}\": {error}"));
        }
    }
}

fn parse_number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Implements `IsVariableUsageAllowed` of the specification (§5.8.5).
fn is_usage_allowed(variable: &VariableDefinition, expected: &Type, has_default: bool) -> bool {
    if expected.is_non_null() && !variable.ty.is_non_null() {
        let own_default = variable.default_value.as_ref().is_some_and(|value| !value.is_null());
        return (own_default || has_default) && variable.ty.is_assignable_to(&expected.clone().nullable());
    }
    variable.ty.is_assignable_to(expected)
}
