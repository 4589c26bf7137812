//! Types of columns, and which changes of a type leave the rows as they are. Pure.

use super::cursor::TokenCursor;
use super::lexer::TokenKind;

/// A type as PostgreSQL compares it: `varchar(20)` is `character varying` with the argument 20.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeName {
    pub base: String,
    pub arguments: Vec<u32>,
    pub is_array: bool,
}

/// Whether a change of a type writes the rows again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeChange {
    KeepsRows,
    Rewrites,
    /// It depends on the present type, which is not known.
    Unknown,
}

/// Words that end the type of a column.
const AFTER_TYPE: &[&str] = &[
    "not",
    "null",
    "default",
    "primary",
    "unique",
    "references",
    "check",
    "generated",
    "constraint",
    "collate",
    "using",
    "deferrable",
    "initially",
    "storage",
    "compression",
    "options",
];

impl TypeName {
    /// Reads a type and moves behind it.
    pub fn eat(rest: &mut TokenCursor<'_>) -> TypeName {
        let (mut words, mut found) = (Vec::new(), TypeName::default());
        while !rest.is_at_end() && !rest.is_any(AFTER_TYPE) && !rest.is(",") {
            if let Some(arguments) = rest.eat_parentheses() {
                let number = |part: &TokenCursor<'_>| part.text(0).parse().ok();
                found.arguments = arguments.split_commas().iter().filter_map(number).collect();
                continue;
            }
            if rest.is("[") || rest.is("array") {
                found.is_array = true;
            } else if rest.kind() == Some(TokenKind::Symbol) {
                words.clear();
            } else if let Some(word) = rest.eat_identifier() {
                words.push(word);
                continue;
            }
            rest.skip_group();
        }
        found.base = canonical(&words.join(" "));
        if found.base == "numeric" && found.arguments.len() == 1 {
            found.arguments.push(0);
        }
        found
    }

    /// Reports whether the type takes its values from a sequence.
    pub fn is_serial(&self) -> bool {
        matches!(self.base.as_str(), "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8")
    }
}

fn canonical(base: &str) -> String {
    match base {
        "varchar" => "character varying",
        "varbit" => "bit varying",
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "bool" => "boolean",
        "decimal" => "numeric",
        "char" | "bpchar" => "character",
        "float8" | "float" => "double precision",
        "float4" => "real",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        other => other,
    }
    .to_owned()
}

/// Compares a new type with the present one, if that is known.
pub fn change(old: Option<&TypeName>, new: &TypeName) -> TypeChange {
    let text = ["text", "character varying"];
    let Some(old) = old else {
        let may_widen = text.contains(&new.base.as_str()) || new.base == "numeric" || new.base == "bit varying";
        return if may_widen && !new.is_array { TypeChange::Unknown } else { TypeChange::Rewrites };
    };
    let keeps = if old == new {
        true
    } else if old.is_array || new.is_array {
        false
    } else {
        let is_unlimited = new.arguments.is_empty();
        let is_wider = match (old.arguments.as_slice(), new.arguments.as_slice()) {
            ([old], [new]) => new >= old,
            ([old, old_scale], [new, new_scale]) => new >= old && new_scale == old_scale,
            _ => false,
        };
        match (old.base.as_str(), new.base.as_str()) {
            ("text", "character varying") => is_unlimited,
            ("character varying", "text") | ("cidr", "inet") => true,
            (old, new) if old == new => {
                let has_limit = ["character varying", "numeric", "bit varying"].contains(&new);
                let has_precision = new.starts_with("time") || new == "interval";
                (has_limit || has_precision) && (is_unlimited || is_wider)
            }
            _ => false,
        }
    };
    if keeps { TypeChange::KeepsRows } else { TypeChange::Rewrites }
}
