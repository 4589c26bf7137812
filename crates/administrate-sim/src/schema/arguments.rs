//! Arguments of a field as the specification coerces them (`CoerceArgumentValues`).
//!
//! apollo-compiler hands them over too, but turns a variable that was not provided into null inside input objects;
//! updates must tell "leave it" from "clear it". Defaults of arguments and input fields are not looked at: the schema has none.

use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::executable::Field;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema};
use serde_json::{Map, Value};

/// The arguments of a field, absent ones left out. Ids are strings here, even where an integer was sent.
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

/// `None` stands for a variable that was not provided.
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
        Literal::Boolean(truth) => Value::from(*truth),
        Literal::Int(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        Literal::Float(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
    };
    Some(coerce_value(schema, ty, plain))
}

/// Single values become lists where lists are declared; integers become strings where ids are.
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
