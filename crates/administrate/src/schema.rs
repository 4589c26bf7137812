//! What introspection tells of a tenant's API, as far as the dialect asks.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

/// Asks for every type once; three levels of wrapping reach `[X!]!`.
pub(crate) const INTROSPECTION: &str = "query { __schema { queryType { name } mutationType { name } types { kind name \
fields(includeDeprecated: true) { name args { name type { ...wrapped } } type { ...wrapped } } \
inputFields { name type { ...wrapped } } enumValues(includeDeprecated: true) { name } } } } \
fragment wrapped on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The types of one tenant's API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    query: String,
    mutation: Option<String>,
    types: HashMap<String, Type>,
}

#[derive(Debug, Clone, Default)]
struct Type {
    fields: HashMap<String, Field>,
    inputs: HashMap<String, TypeRef>,
    values: HashSet<String>,
}

#[derive(Debug, Clone)]
struct Field {
    args: HashMap<String, TypeRef>,
    kind: TypeRef,
}

/// A reference to a type: its name under all wrappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeRef {
    /// Name of the innermost type.
    pub name: String,
    /// Whether a list is wrapped around it.
    pub is_list: bool,
    /// Whether null is refused.
    pub is_required: bool,
}

impl Schema {
    /// Reads the answer to [`INTROSPECTION`]; none where it is no complete schema.
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let schema = Root::deserialize(data.get("__schema")?).ok()?;
        let types: HashMap<_, _> =
            schema.types.into_iter().filter_map(|raw| Some((raw.name.clone()?, raw.into_type()))).collect();
        let query = schema.query_type?.name;
        let known = types.get(&query).is_some_and(|root| !root.fields.is_empty());
        known.then(|| Self { mutation: schema.mutation_type.map(|root| root.name), query, types })
    }

    /// The field at the end of `path`, from the query root on.
    fn query_field(&self, path: &[&str]) -> Option<&Field> {
        self.field(&self.query, path)
    }

    /// The operation `namespace.name` of the mutation root.
    fn mutation_field(&self, path: &[&str]) -> Option<&Field> {
        self.field(self.mutation.as_deref()?, path)
    }

    fn field(&self, root: &str, path: &[&str]) -> Option<&Field> {
        let (first, rest) = path.split_first()?;
        let field = self.types.get(root)?.fields.get(*first)?;
        if rest.is_empty() { Some(field) } else { self.field(&field.kind.name, rest) }
    }

    /// Whether the query root leads along `path`.
    pub(crate) fn has_query_field(&self, path: &[&str]) -> bool {
        self.query_field(path).is_some()
    }

    /// Whether the mutation root leads along `path`, first into a namespace, then to an operation, then into its payload.
    pub(crate) fn has_mutation_field(&self, path: &[&str]) -> bool {
        self.mutation_field(path).is_some()
    }

    /// Argument `arg` of the query field at `path`.
    pub(crate) fn query_arg(&self, path: &[&str], arg: &str) -> Option<&TypeRef> {
        self.query_field(path)?.args.get(arg)
    }

    /// Argument `arg` of the mutation, or of a field of its payload.
    pub(crate) fn mutation_arg(&self, path: &[&str], arg: &str) -> Option<&TypeRef> {
        self.mutation_field(path)?.args.get(arg)
    }

    /// Field `field` of the input object `input`.
    pub(crate) fn input_field(&self, input: &str, field: &str) -> Option<&TypeRef> {
        self.types.get(input)?.inputs.get(field)
    }

    /// Whether the enum `name` has `value`.
    pub(crate) fn has_enum_value(&self, name: &str, value: &str) -> bool {
        self.types.get(name).is_some_and(|kind| kind.values.contains(value))
    }

    /// Whether `name` is an enum.
    pub(crate) fn is_enum(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|kind| !kind.values.is_empty())
    }

    /// Whether the object type `name` has `field`.
    pub(crate) fn type_has(&self, name: &str, field: &str) -> bool {
        self.types.get(name).is_some_and(|kind| kind.fields.contains_key(field))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    query_type: Option<Named>,
    mutation_type: Option<Named>,
    types: Vec<RawType>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawType {
    name: Option<String>,
    fields: Option<Vec<RawField>>,
    input_fields: Option<Vec<RawInput>>,
    enum_values: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct RawField {
    name: String,
    #[serde(default)]
    args: Vec<RawInput>,
    #[serde(rename = "type")]
    kind: RawRef,
}

#[derive(Deserialize)]
struct RawInput {
    name: String,
    #[serde(rename = "type")]
    kind: RawRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<RawRef>>,
}

impl RawType {
    fn into_type(self) -> Type {
        let fields = self.fields.unwrap_or_default().into_iter();
        Type {
            fields: fields.map(RawField::into_field).collect(),
            inputs: inputs(self.input_fields.unwrap_or_default()),
            values: self.enum_values.unwrap_or_default().into_iter().map(|value| value.name).collect(),
        }
    }
}

impl RawField {
    fn into_field(self) -> (String, Field) {
        let field = Field { args: inputs(self.args), kind: self.kind.unwrap() };
        (self.name, field)
    }
}

impl RawRef {
    /// Takes the wrappings off.
    fn unwrap(self) -> TypeRef {
        let is_required = self.kind == "NON_NULL";
        let is_list = self.kind == "LIST";
        match (self.of_type, self.name) {
            (Some(inner), None) => {
                let inner = inner.unwrap();
                TypeRef { is_list: is_list || inner.is_list, is_required, ..inner }
            }
            (_, name) => TypeRef { name: name.unwrap_or_default(), is_list, is_required },
        }
    }
}

fn inputs(raw: Vec<RawInput>) -> HashMap<String, TypeRef> {
    raw.into_iter().map(|input| (input.name, input.kind.unwrap())).collect()
}
