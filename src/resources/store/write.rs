//! Writing rows, each kind of change in one statement for any number of rows.

use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::resources::{DetailTable, LinkTable, PartTable, ResourceField, RowDraft, TableResource};

/// Locks a row against changes, and for its deletion against new references to it. Returns whether it exists.
///
/// A change does not wait for transactions that refer to the row, such as an import.
pub(in crate::resources) async fn lock(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    is_deletion: bool,
) -> Result<bool> {
    if let Some(statement) = resource.lock_first {
        sqlx::query(statement).bind(id).execute(&mut *db).await?;
    }
    let strength = if is_deletion { "FOR UPDATE" } else { "FOR NO KEY UPDATE" };
    let sql = format!("SELECT true FROM {} WHERE id = $1 {strength}", resource.table);
    let found: Option<bool> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(found.is_some())
}

/// The columns that a request writes, as SQL lists.
struct WrittenColumns {
    names: String,
    given: String,
    types: String,
}

impl WrittenColumns {
    fn of<'a>(fields: impl Iterator<Item = (&'a ResourceField, &'static str)>) -> WrittenColumns {
        let (mut names, mut given, mut types) = (Vec::new(), Vec::new(), Vec::new());
        for (field, column) in fields {
            names.push(column.to_owned());
            given.push(format!("given.{column}"));
            types.push(format!("{column} {}", field.kind.sql_type()));
        }
        WrittenColumns { names: names.join(", "), given: given.join(", "), types: types.join(", ") }
    }
}

fn stored_fields(fields: &'static [ResourceField]) -> impl Iterator<Item = (&'static ResourceField, &'static str)> {
    fields.iter().filter_map(|field| Some((field, field.written_column()?)))
}

/// Inserts rows and returns their ids in the same order.
pub(in crate::resources) async fn insert(
    db: &mut PgConnection,
    resource: &TableResource,
    drafts: &[RowDraft],
) -> Result<Vec<i64>> {
    let columns = WrittenColumns::of(stored_fields(resource.fields));
    let rows = drafts.iter().enumerate().map(|(place, draft)| {
        let values =
            stored_fields(resource.fields).map(|(field, column)| (column.to_owned(), draft.values[field.name].clone()));
        Value::Object(values.chain([("row_place".to_owned(), json!(place))]).collect())
    });
    let sql = format!(
        "INSERT INTO {table} ({names})
         SELECT {given} FROM jsonb_to_recordset($1) AS given (row_place int, {types}) ORDER BY row_place
         RETURNING id::bigint",
        table = resource.table,
        names = columns.names,
        given = columns.given,
        types = columns.types,
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(Value::Array(rows.collect())).fetch_all(db).await?)
}

/// Writes changed values of a row. Equal values write nothing.
pub(in crate::resources) async fn update(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    values: &Map<String, Value>,
) -> Result<()> {
    let changed = || stored_fields(resource.fields).filter(|(field, _)| values.contains_key(field.name));
    let columns = WrittenColumns::of(changed());
    if columns.names.is_empty() {
        return Ok(());
    }
    let row: Map<String, Value> =
        changed().map(|(field, column)| (column.to_owned(), values[field.name].clone())).collect();
    let assignments: Vec<String> = changed()
        .map(|(_, column)| format!("{column} = given.{column}"))
        .chain(resource.changed_column.map(|column| format!("{column} = now()")))
        .collect();
    let differs = changed().map(|(field, column)| match field.kind.sql_type() {
        // Columns of type json have no equality, and other programs may have written what no document bears.
        "jsonb" => format!("lectern.document_of(item.{column}::json) IS DISTINCT FROM given.{column}"),
        _ => format!("item.{column} IS DISTINCT FROM given.{column}"),
    });
    let differs: Vec<String> = differs.collect();
    let sql = format!(
        "UPDATE {table} AS item SET {assignments} FROM jsonb_to_record($2) AS given ({types})
         WHERE item.id = $1 AND ({differs})",
        table = resource.table,
        assignments = assignments.join(", "),
        types = columns.types,
        differs = differs.join(" OR "),
    );
    sqlx::query(AssertSqlSafe(sql)).bind(id).bind(Value::Object(row)).execute(db).await?;
    Ok(())
}

/// Writes the details of rows, as far as the drafts have values for them. Equal values write nothing.
pub(in crate::resources) async fn set_details(
    db: &mut PgConnection,
    resource: &TableResource,
    details: &DetailTable,
    drafts: &[RowDraft],
) -> Result<()> {
    let written = resource.fields.iter().filter_map(|field| Some((field, field.written_detail()?)));
    let written: Vec<_> =
        written.filter(|(field, _)| drafts.iter().any(|draft| draft.values.contains_key(field.name))).collect();
    if written.is_empty() {
        return Ok(());
    }
    let columns = WrittenColumns::of(written.iter().copied());
    let rows = drafts.iter().map(|draft| {
        let values = written.iter().map(|(field, column)| ((*column).to_owned(), draft.value(field.name).clone()));
        Value::Object(values.chain([("row_owner".to_owned(), json!(draft.id))]).collect())
    });
    let assignments: Vec<String> = written.iter().map(|(_, column)| format!("{column} = excluded.{column}")).collect();
    let differs: Vec<String> =
        written.iter().map(|(_, column)| format!("known.{column} IS DISTINCT FROM excluded.{column}")).collect();
    let sql = format!(
        "INSERT INTO {table} AS known ({own}, {names})
         SELECT row_owner, {given} FROM jsonb_to_recordset($1) AS given (row_owner bigint, {types})
         ON CONFLICT ({own}) DO UPDATE SET {assignments} WHERE {differs}",
        table = details.table,
        own = details.own,
        names = columns.names,
        given = columns.given,
        types = columns.types,
        assignments = assignments.join(", "),
        differs = differs.join(" OR "),
    );
    sqlx::query(AssertSqlSafe(sql)).bind(Value::Array(rows.collect())).execute(db).await?;
    Ok(())
}

/// Deletes a row.
pub(in crate::resources) async fn delete(db: &mut PgConnection, resource: &TableResource, id: i64) -> Result<()> {
    let sql = format!("DELETE FROM {} WHERE id = $1", resource.table);
    sqlx::query(AssertSqlSafe(sql)).bind(id).execute(db).await?;
    Ok(())
}

/// Replaces the links of rows. `given`: the id of each row and the ids that it is linked with.
pub(in crate::resources) async fn set_links(
    db: &mut PgConnection,
    links: &LinkTable,
    given: &[(i64, Value)],
) -> Result<()> {
    let rows = given.iter().map(|(id, others)| json!({ "own": id, "others": others })).collect();
    let LinkTable { table, own, other } = links;
    let sql = format!(
        "WITH owners AS (SELECT own, others FROM jsonb_to_recordset($1) AS given (own bigint, others jsonb)),
              links AS (SELECT own, value::bigint AS other FROM owners, jsonb_array_elements_text(others)),
              gone AS (
             DELETE FROM {table} AS link USING owners WHERE link.{own} = owners.own
               AND NOT EXISTS (SELECT FROM links WHERE links.own = link.{own} AND links.other = link.{other}))
         INSERT INTO {table} ({own}, {other})
         SELECT own, other FROM links
         WHERE NOT EXISTS (SELECT FROM {table} AS link WHERE link.{own} = links.own AND link.{other} = links.other)",
    );
    sqlx::query(AssertSqlSafe(sql)).bind(Value::Array(rows)).execute(db).await?;
    Ok(())
}

/// Replaces the parts of rows. Parts with the key of a given one are changed, others are deleted.
pub(in crate::resources) async fn set_parts(
    db: &mut PgConnection,
    parts: &PartTable,
    fields: &'static [ResourceField],
    given: &[(i64, Value)],
) -> Result<()> {
    let Some(key) = fields.first().and_then(ResourceField::written_column) else { return Ok(()) };
    let columns = WrittenColumns::of(stored_fields(fields));
    let items = given.iter().flat_map(|(id, items)| items.as_array().into_iter().flatten().map(move |item| (id, item)));
    let rows = items.enumerate().map(|(place, (id, item))| {
        let values = stored_fields(fields).map(|(field, column)| (column.to_owned(), item[field.name].clone()));
        let more = [("row_owner".to_owned(), json!(id)), ("row_place".to_owned(), json!(place))];
        Value::Object(values.chain(more).collect())
    });
    let rows: Vec<Value> = rows.collect();
    let others: Vec<&str> = stored_fields(fields).map(|(_, column)| column).filter(|column| *column != key).collect();
    let assignments: Vec<String> = others.iter().map(|column| format!("{column} = given.{column}")).collect();
    let differs: Vec<String> =
        others.iter().map(|column| format!("part.{column} IS DISTINCT FROM given.{column}")).collect();
    let sql = format!(
        "WITH given AS (SELECT * FROM jsonb_to_recordset($2) AS given (row_owner bigint, row_place int, {types})),
              gone AS (
             DELETE FROM {table} AS part WHERE part.{own} = ANY ($1)
               AND NOT EXISTS (SELECT FROM given WHERE given.row_owner = part.{own} AND given.{key} = part.{key})),
              changed AS (
             UPDATE {table} AS part SET {assignments} FROM given
             WHERE part.{own} = given.row_owner AND part.{key} = given.{key} AND ({differs}))
         INSERT INTO {table} ({own}, {names})
         SELECT row_owner, {columns} FROM given
         WHERE NOT EXISTS (SELECT FROM {table} AS part WHERE part.{own} = given.row_owner AND part.{key} = given.{key})
         ORDER BY row_place",
        types = columns.types,
        table = parts.table,
        own = parts.own,
        assignments = assignments.join(", "),
        differs = differs.join(" OR "),
        names = columns.names,
        columns = columns.given,
    );
    let owners: Vec<i64> = given.iter().map(|(id, _)| *id).collect();
    sqlx::query(AssertSqlSafe(sql)).bind(owners).bind(Value::Array(rows)).execute(db).await?;
    Ok(())
}
