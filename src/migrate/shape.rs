//! The shapes of tables: which columns a step of versioned SQL creates, and how an existing table differs. Pure.

/// A column with its type as PostgreSQL writes it, such as `character varying(64)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    pub name: String,
    pub data_type: String,
}

/// A table that a step creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// With its schema: `acted.products`.
    pub name: String,
    pub columns: Vec<ColumnShape>,
    /// Whether the step uses a table of this shape that exists already.
    pub accepts_existing: bool,
}

/// A table, view or other relation of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTable {
    /// With its schema.
    pub name: String,
    /// What it is if it is no table, such as `a view`.
    pub other_kind: Option<&'static str>,
    pub columns: Vec<FoundColumn>,
}

/// A column of a table in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    pub column: ColumnShape,
    /// Whether an insert without a value for it succeeds.
    pub is_optional: bool,
}

/// Columns that may be missing in a table that existed before: nothing reads them.
const TIMES: &[&str] = &["created_at", "updated_at"];

/// Returns why an existing table cannot be used as the one that a step creates; none if it can.
pub fn problem(created: &TableShape, found: &FoundTable) -> Option<String> {
    let name = &created.name;
    if let Some(kind) = found.other_kind {
        return Some(format!("{name} is {kind}, not a table: rename it"));
    }
    if !created.accepts_existing {
        return Some(format!("{name} exists already, but this program has not created it: rename it"));
    }
    let differences = differences(&created.columns, &found.columns);
    (!differences.is_empty()).then(|| {
        format!("{name} has another shape: {}: rename the table or change these columns", differences.join(", "))
    })
}

fn differences(expected: &[ColumnShape], found: &[FoundColumn]) -> Vec<String> {
    let mut differences = Vec::new();
    for column in expected {
        match found.iter().find(|found| found.column.name == column.name) {
            Some(found) if found.column.data_type == column.data_type => {}
            Some(found) => differences.push(format!(
                "column {} is of type {} instead of {}",
                column.name, found.column.data_type, column.data_type
            )),
            None if TIMES.contains(&column.name.as_str()) => {}
            None => differences.push(format!("column {} ({}) is missing", column.name, column.data_type)),
        }
    }
    let is_unknown = |found: &&FoundColumn| expected.iter().all(|column| column.name != found.column.name);
    for found in found.iter().filter(is_unknown).filter(|found| !found.is_optional) {
        differences.push(format!(
            "the additional column {} ({}) is NOT NULL without a default",
            found.column.name, found.column.data_type
        ));
    }
    differences
}

/// Returns the tables that a step creates with a statement of its own.
pub fn created_tables(sql: &str) -> Vec<TableShape> {
    let sql = without_texts(sql);
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    let mut tables = Vec::new();
    for statement in split(&sql, ';') {
        let Some((head, rest)) = statement.split_once('(') else { continue };
        let head = words(head);
        let Some(name) = head.strip_prefix("create table ") else { continue };
        let Some((body, _)) = rest.rsplit_once(')') else { continue };
        let existing = name.strip_prefix("if not exists ");
        tables.push(TableShape {
            name: existing.unwrap_or(name).to_owned(),
            columns: split(body, ',').into_iter().filter_map(|item| column(&words(item))).collect(),
            accepts_existing: existing.is_some(),
        });
    }
    tables
}

/// Words with which a constraint of a table begins.
const CONSTRAINTS: &[&str] = &["constraint", "primary", "unique", "check", "foreign", "exclude", "like"];

/// Words that end the type of a column.
const AFTER_TYPE: &[&str] =
    &["not", "null", "default", "primary", "unique", "references", "check", "generated", "constraint", "collate"];

/// Returns the column that an item of a table describes; none for a constraint.
fn column(item: &str) -> Option<ColumnShape> {
    let mut words = item.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?;
    if CONSTRAINTS.iter().any(|word| name.starts_with(word)) {
        return None;
    }
    let data_type: Vec<&str> = words.take_while(|word| !AFTER_TYPE.contains(word)).collect();
    Some(ColumnShape { name: name.to_owned(), data_type: canonical(&data_type.join(" ")) })
}

/// Returns a type as PostgreSQL writes it.
fn canonical(data_type: &str) -> String {
    let (name, rest) = data_type.split_at(data_type.find(['(', '[']).unwrap_or(data_type.len()));
    let name = match name.trim() {
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "bool" => "boolean",
        "varchar" => "character varying",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "time" => "time without time zone",
        other => other,
    };
    format!("{name}{}", rest.replace(' ', ""))
}

/// Splits at a separator outside parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if character == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Returns SQL without comments and without the content of its texts and function bodies.
fn without_texts(sql: &str) -> String {
    let mut plain = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['-', '\'', '$']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (opening, closing) = match rest.as_bytes() {
            [b'-', b'-', ..] => ("--", "\n"),
            [b'\'', ..] => ("'", "'"),
            [b'$', b'$', ..] => ("$$", "$$"),
            _ => {
                plain.push_str(&rest[..1]);
                rest = &rest[1..];
                continue;
            }
        };
        rest = &rest[opening.len()..];
        rest = rest.find(closing).map_or("", |end| &rest[end + closing.len()..]);
        plain.push(' ');
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[(&str, &str, bool)]) -> FoundTable {
        let column = |(name, data_type, is_optional): &(&str, &str, bool)| FoundColumn {
            column: ColumnShape { name: (*name).into(), data_type: (*data_type).into() },
            is_optional: *is_optional,
        };
        FoundTable { name: "acted.t".into(), other_kind: None, columns: columns.iter().map(column).collect() }
    }

    const SQL: &str = "-- CREATE TABLE no.comment (id int);
        DO $$ BEGIN CREATE TABLE no.body (id int); END $$;
        CREATE TABLE IF NOT EXISTS acted.t (
            id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- its key, and more
            price numeric(10, 2) NOT NULL DEFAULT 0.00,
            name varchar(64) CHECK (name <> 'a, (b'), words text[] NOT NULL DEFAULT '{}',
            updated_at timestamptz, UNIQUE (id, name), CONSTRAINT named CHECK (id > 0)
        );
        CREATE UNIQUE INDEX t_idx ON acted.t (id);
        CREATE TABLE lectern.u (ok boolean);";

    #[test]
    fn created_tables_are_read_from_sql() {
        let tables = created_tables(SQL);
        let names: Vec<_> = tables.iter().map(|table| (table.name.as_str(), table.accepts_existing)).collect();
        assert_eq!(names, [("acted.t", true), ("lectern.u", false)]);
        let columns: Vec<_> = tables[0].columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str())).collect();
        let expected = [
            ("id", "bigint"),
            ("price", "numeric(10,2)"),
            ("name", "character varying(64)"),
            ("words", "text[]"),
            ("updated_at", "timestamp with time zone"),
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn only_a_table_of_the_same_shape_is_accepted() {
        let table = &created_tables(SQL)[0];
        let mut columns = vec![
            ("words", "text[]", false),
            ("id", "bigint", true),
            ("price", "numeric(10,2)", false),
            ("name", "character varying(64)", false),
            ("more", "integer", true),
        ];
        assert_eq!(problem(table, &found(&columns)), None, "order, missing times and optional columns do not matter");
        columns[4].2 = false;
        columns[2].1 = "numeric(12,2)";
        columns.remove(0);
        let problem = problem(table, &found(&columns)).expect("another shape");
        assert_eq!(
            problem,
            "acted.t has another shape: column price is of type numeric(12,2) instead of numeric(10,2), column words \
             (text[]) is missing, the additional column more (integer) is NOT NULL without a default: rename the table \
             or change these columns"
        );
    }

    #[test]
    fn view_and_table_of_the_programs_own_schema_are_refused() {
        let tables = created_tables(SQL);
        let view = FoundTable { other_kind: Some("a view"), ..found(&[]) };
        assert_eq!(problem(&tables[0], &view).expect("refused"), "acted.t is a view, not a table: rename it");
        let own = problem(&tables[1], &found(&[("ok", "boolean", true)])).expect("refused");
        assert!(own.starts_with("lectern.u exists already"), "{own}");
    }
}
