//! A tenant's API schema as reported by introspection, and the documents that fit it.

pub(crate) mod coerce;
pub(crate) mod dialect;
pub(crate) mod document;
pub(crate) mod selection;

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

/// The introspection query for all types. Three levels of wrapping are enough for `[X!]!`.
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

/// A reference to a type, without its list and non-null wrappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeRef {
    /// Name of the innermost type.
    pub name: String,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether null is invalid.
    pub is_required: bool,
}

impl Schema {
    /// Parses the response to [`INTROSPECTION`]; none if it is not a complete schema.
    pub(crate) fn parse(data: &Value) -> Option<Self> {
        let schema = Root::deserialize(data.get("__schema")?).ok()?;
        let types: HashMap<_, _> =
            schema.types.into_iter().filter_map(|raw| Some((raw.name.clone()?, raw.into_type()))).collect();
        let query = schema.query_type?.name;
        let has_fields = types.get(&query).is_some_and(|root| !root.fields.is_empty());
        has_fields.then(|| Self { mutation: schema.mutation_type.map(|root| root.name), query, types })
    }

    /// Returns the field at the end of `path`, from the query root on.
    fn query_field(&self, path: &[&str]) -> Option<&Field> {
        self.field(&self.query, path)
    }

    /// Returns the operation `[namespace, name]` of the mutation root.
    fn mutation_field(&self, path: &[&str]) -> Option<&Field> {
        self.field(self.mutation.as_deref()?, path)
    }

    fn field(&self, root: &str, path: &[&str]) -> Option<&Field> {
        let (first, rest) = path.split_first()?;
        let field = self.types.get(root)?.fields.get(*first)?;
        if rest.is_empty() { Some(field) } else { self.field(&field.kind.name, rest) }
    }

    /// Returns whether the mutation root has the operation `[namespace, name]`.
    pub(crate) fn has_mutation(&self, path: &[&str]) -> bool {
        self.mutation_field(path).is_some()
    }

    /// Returns the type that the query or mutation at `path` returns.
    pub(crate) fn return_type(&self, path: &[&str], is_mutation: bool) -> Option<&str> {
        let field = match is_mutation {
            true => self.mutation_field(path),
            false => self.query_field(path),
        };
        Some(&field?.kind.name)
    }

    /// Returns the type of `field` of the object type `kind`.
    pub(crate) fn field_type(&self, kind: &str, field: &str) -> Option<&str> {
        Some(&self.types.get(kind)?.fields.get(field)?.kind.name)
    }

    /// Returns whether `field` of the object type `kind` has the argument `arg`.
    pub(crate) fn has_arg(&self, kind: &str, field: &str, arg: &str) -> bool {
        let field = self.types.get(kind).and_then(|kind| kind.fields.get(field));
        field.is_some_and(|field| field.args.contains_key(arg))
    }

    /// Returns the argument, as text, that orders the list `field` of the object type `kind` by id; none if there is none.
    pub(crate) fn id_order_argument(&self, kind: &str, field: &str) -> Option<String> {
        let field = self.types.get(kind)?.fields.get(field)?;
        let (name, order) = ["orderBy", "order"].into_iter().find_map(|name| Some((name, field.args.get(name)?)))?;
        let accepts = |input: &str, word: &str| {
            let kind = self.input_field(&order.name, input);
            kind.is_some_and(|kind| self.has_enum_value(&kind.name, word))
        };
        let by_id = "{field: id, direction: asc}";
        let argument = if order.is_list { format!("{name}: [{by_id}]") } else { format!("{name}: {by_id}") };
        (accepts("field", "id") && accepts("direction", "asc")).then_some(argument)
    }

    /// Returns whether `kind` is an object type, which needs a selection.
    pub(crate) fn has_fields(&self, kind: &str) -> bool {
        self.types.get(kind).is_some_and(|kind| !kind.fields.is_empty())
    }

    /// Returns argument `arg` of the query field at `path`.
    pub(crate) fn query_arg(&self, path: &[&str], arg: &str) -> Option<&TypeRef> {
        self.query_field(path)?.args.get(arg)
    }

    /// Returns argument `arg` of the mutation at `path`.
    pub(crate) fn mutation_arg(&self, path: &[&str], arg: &str) -> Option<&TypeRef> {
        self.mutation_field(path)?.args.get(arg)
    }

    /// Returns whether `input` is an input object with fields.
    pub(crate) fn has_input_fields(&self, input: &str) -> bool {
        self.types.get(input).is_some_and(|kind| !kind.inputs.is_empty())
    }

    /// Returns field `field` of the input object `input`.
    pub(crate) fn input_field(&self, input: &str, field: &str) -> Option<&TypeRef> {
        self.types.get(input)?.inputs.get(field)
    }

    /// Returns whether the enum `name` has `value`.
    pub(crate) fn has_enum_value(&self, name: &str, value: &str) -> bool {
        self.types.get(name).is_some_and(|kind| kind.values.contains(value))
    }

    /// Returns whether the enum `name` has `value` in any case.
    pub(crate) fn has_enum_value_in_any_case(&self, name: &str, value: &str) -> bool {
        self.types.get(name).is_some_and(|kind| kind.values.iter().any(|known| known.eq_ignore_ascii_case(value)))
    }

    /// Returns whether `name` is an enum.
    pub(crate) fn is_enum(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|kind| !kind.values.is_empty())
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
        let field = Field { args: inputs(self.args), kind: self.kind.into_type_ref() };
        (self.name, field)
    }
}

impl RawRef {
    /// Removes the wrappings.
    fn into_type_ref(self) -> TypeRef {
        let is_required = self.kind == "NON_NULL";
        let is_list = self.kind == "LIST";
        match (self.of_type, self.name) {
            (Some(inner), None) => {
                let inner = inner.into_type_ref();
                TypeRef { is_list: is_list || inner.is_list, is_required, ..inner }
            }
            (_, name) => TypeRef { name: name.unwrap_or_default(), is_list, is_required },
        }
    }
}

fn inputs(raw: Vec<RawInput>) -> HashMap<String, TypeRef> {
    raw.into_iter().map(|input| (input.name, input.kind.into_type_ref())).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Builds a schema from a subset of SDL: `type T { field(arg: X): Y }`, `input T { … }`, `enum T { A B }`. `!` and `[]` are
    /// supported. The first type is the query root, `Mutation` the mutation root.
    pub(crate) fn schema(sdl: &str) -> Schema {
        let mut schema = Schema::default();
        for block in sdl.split('}').filter(|block| !block.trim().is_empty()) {
            let (head, body) = block.split_once('{').expect("a block");
            let (keyword, name) = head.trim().split_once(' ').expect("keyword and name");
            let mut kind = Type::default();
            match keyword {
                "type" => kind.fields = fields(body),
                "input" => kind.inputs = args(body),
                _ => kind.values = body.split_whitespace().map(str::to_owned).collect(),
            }
            if schema.query.is_empty() {
                schema.query = name.to_owned();
            }
            if name == "Mutation" {
                schema.mutation = Some(name.to_owned());
            }
            schema.types.insert(name.to_owned(), kind);
        }
        schema
    }

    fn fields(body: &str) -> HashMap<String, Field> {
        let mut fields = HashMap::new();
        let mut rest = body.trim();
        while let Some(at) = rest.find([':', '(']) {
            let name = rest[..at].trim().to_owned();
            let (inner, after) = match rest[at..].starts_with('(') {
                true => rest[at + 1..].split_once(')').expect("a closing parenthesis"),
                false => ("", &rest[at..]),
            };
            let after = after.trim_start().strip_prefix(':').expect("a type").trim_start();
            let (kind, next) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
            let field = Field { args: args(inner), kind: type_ref(kind) };
            fields.insert(name, field);
            rest = next.trim_start();
        }
        fields
    }

    fn args(text: &str) -> HashMap<String, TypeRef> {
        let words: Vec<_> = text.split([' ', ':', ',']).filter(|word| !word.is_empty()).collect();
        let pairs = words.chunks(2).map(|pair| (pair[0].to_owned(), type_ref(pair[1])));
        pairs.collect()
    }

    fn type_ref(text: &str) -> TypeRef {
        TypeRef {
            name: text.trim_matches(['[', ']', '!']).to_owned(),
            is_list: text.starts_with('['),
            is_required: text.ends_with('!'),
        }
    }

    #[test]
    fn parse_reads_introspected_schema_and_rejects_incomplete_ones() {
        let wrap = |kind: &str, of: Value| serde_json::json!({"kind": kind, "name": null, "ofType": of});
        let named = |name: &str| serde_json::json!({"kind": "OBJECT", "name": name, "ofType": null});
        let list = wrap("NON_NULL", wrap("LIST", wrap("NON_NULL", named("Staff"))));
        let data = serde_json::json!({"__schema": {
        "queryType": {"name": "Root"}, "mutationType": null,
        "types": [
            {"kind": "OBJECT", "name": "Root", "fields": [
                {"name": "staff", "args": [{"name": "first", "type": named("Int")}], "type": list}],
             "inputFields": null, "enumValues": null},
            {"kind": "ENUM", "name": "Kind", "fields": null, "inputFields": null, "enumValues": [{"name": "a"}]}
        ]}});
        let schema = Schema::parse(&data).expect("a schema");
        let staff = schema.query_field(&["staff"]).expect("the field");
        let expected = TypeRef { name: "Staff".into(), is_list: true, is_required: true };
        assert_eq!(staff.kind, expected);
        assert!(schema.query_arg(&["staff"], "first").is_some());
        assert!(schema.is_enum("Kind") && schema.has_enum_value("Kind", "a"));
        assert!(schema.has_enum_value_in_any_case("Kind", "A") && !schema.has_enum_value_in_any_case("Kind", "b"));
        assert!(!schema.has_mutation(&["event"]));
        for broken in ["null", "{}", r#"{"__schema":null}"#, r#"{"__schema":{"queryType":{"name":"X"},"types":[]}}"#] {
            let data = serde_json::from_str(broken).expect("JSON");
            assert!(Schema::parse(&data).is_none(), "{broken}");
        }
    }
}
