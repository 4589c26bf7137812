//! Coercion of field arguments (`CoerceArgumentValues` of the GraphQL specification).
//!
//! apollo-compiler coerces arguments too, but turns an absent variable inside an input object into null. Updates must
//! distinguish absent (leave the value) from null (clear it). Default values are ignored: the schema has none.

use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::executable::Field;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema};
use serde_json::{Map, Value};

/// Returns the arguments of a field without the absent ones. Ids become strings, also where an integer was sent.
pub(crate) fn coerce_arguments(schema: &Schema, variables: &JsonMap, field: &Field) -> Map<String, Value> {
    let mut coerced = Map::new();
    for definition in &field.definition.arguments {
        let argument = field.arguments.iter().find(|argument| argument.name == definition.name);
        let value = argument.and_then(|argument| coerce_literal(schema, variables, &definition.ty, &argument.value));
        if let Some(value) = value {
            coerced.insert(definition.name.to_string(), value);
        }
    }
    coerced
}

/// Coerces a literal. Returns `None` for a variable that was not provided.
fn coerce_literal(schema: &Schema, variables: &JsonMap, ty: &Type, literal: &Node<Literal>) -> Option<Value> {
    let plain = match literal.as_ref() {
        Literal::Variable(name) => serde_json::to_value(variables.get(name.as_str())?).unwrap_or_default(),
        Literal::Null => Value::Null,
        Literal::List(items) => {
            let item = |item| coerce_literal(schema, variables, ty.item_type(), item).unwrap_or_default();
            Value::Array(items.iter().map(item).collect())
        }
        Literal::Object(fields) => {
            let Some(ExtendedType::InputObject(input)) = schema.types.get(ty.inner_named_type()) else {
                return None;
            };
            let field = |(name, literal): &(apollo_compiler::Name, Node<Literal>)| {
                let ty = &input.fields.get(name)?.ty;
                Some((name.to_string(), coerce_literal(schema, variables, ty, literal)?))
            };
            Value::Object(fields.iter().filter_map(field).collect())
        }
        Literal::Enum(word) => Value::from(word.as_str()),
        Literal::String(text) => Value::from(text.as_str()),
        Literal::Boolean(flag) => Value::from(*flag),
        Literal::Int(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        Literal::Float(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
    };
    Some(coerce_value(schema, ty, plain))
}

/// Coerces a value: single values to lists where the type is a list, integers to strings where it is `ID`.
fn coerce_value(schema: &Schema, ty: &Type, plain: Value) -> Value {
    match (ty, plain) {
        (_, Value::Null) => Value::Null,
        (Type::List(item) | Type::NonNullList(item), Value::Array(items)) => {
            items.into_iter().map(|value| coerce_value(schema, item, value)).collect()
        }
        (Type::List(item) | Type::NonNullList(item), single) => Value::Array(vec![coerce_value(schema, item, single)]),
        (Type::Named(name) | Type::NonNullNamed(name), Value::Number(number)) if name == "ID" => {
            Value::String(number.to_string())
        }
        (Type::Named(name) | Type::NonNullNamed(name), Value::Object(fields)) => {
            let Some(ExtendedType::InputObject(input)) = schema.types.get(name) else {
                return Value::Object(fields);
            };
            let coerced = fields.into_iter().map(|(key, value)| match input.fields.get(key.as_str()) {
                Some(definition) => (key, coerce_value(schema, &definition.ty, value)),
                None => (key, value),
            });
            Value::Object(coerced.collect())
        }
        (_, plain) => plain,
    }
}
