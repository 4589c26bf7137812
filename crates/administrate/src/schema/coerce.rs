//! Coercion of arguments to the types that a tenant declares, if they differ from the documented ones.

use std::borrow::Cow;

use crate::schema::document::Arg;
use crate::schema::{Schema, TypeRef};

/// Coerces `arg` to the type `kind`: a variable for a built-in scalar, a literal for every other type.
pub(crate) fn coerce(schema: &Schema, arg: Arg, kind: Option<&TypeRef>) -> Arg {
    let Some(kind) = kind else { return arg };
    let name = kind.name.as_str();
    match arg {
        Arg::Object(fields) => Arg::Object(
            fields
                .into_iter()
                .map(|(field, arg)| (field, coerce(schema, arg, schema.input_field(name, field))))
                .collect(),
        ),
        Arg::List(items) => Arg::List(items.into_iter().map(|item| coerce(schema, item, Some(kind))).collect()),
        Arg::Id(text) | Arg::Text(text) => coerce_text(name, text),
        Arg::Ids(texts) | Arg::Texts(texts) => match name {
            "ID" => Arg::Ids(texts),
            "String" => Arg::Texts(texts),
            _ => Arg::List(texts.into_iter().map(|text| coerce_text(name, text)).collect()),
        },
        Arg::Int(number) if matches!(name, "String" | "ID") => coerce_text(name, number.to_string()),
        Arg::Int(number) if name != "Int" => Arg::Name(Cow::Owned(number.to_string())),
        Arg::Bool(flag) if name == "String" => Arg::Text(flag.to_string()),
        Arg::Bool(flag) if name != "Boolean" => Arg::name(if flag { "true" } else { "false" }),
        Arg::Name(word) if matches!(name, "String" | "ID") => coerce_text(name, word.into_owned()),
        Arg::Name(word) if !schema.has_enum_value(name, &word) => {
            let cased = [word.to_uppercase(), word.to_lowercase()];
            let found = cased.into_iter().find(|cased| schema.has_enum_value(name, cased));
            found.map_or(Arg::Name(word), |cased| Arg::Name(Cow::Owned(cased)))
        }
        other => other,
    }
}

fn coerce_text(kind: &str, text: String) -> Arg {
    match kind {
        "ID" => Arg::Id(text),
        "String" => Arg::Text(text),
        _ => Arg::Literal(text),
    }
}
