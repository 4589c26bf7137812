//! Course templates, locations and venues of Administrate's side and of `acted.tutorial_*`.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::moves::tutorial_references::matching::NamedPlace;
use crate::migrate::moves::tutorial_references::reasons::{CREATED, NAME};

/// A row of Administrate's side with its own texts and its link.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Linked {
    pub id: i64,
    pub name: String,
    /// The code, or the description of a venue.
    pub code: String,
    pub is_active: bool,
    /// Id of the linked row in `acted`.
    pub link: Option<i64>,
    /// Whether it belongs to a location, and that location in `acted`, for venues.
    pub is_placed: bool,
    pub location: Option<i64>,
}

/// A table of Administrate's side, with the columns that may be gone already.
#[derive(Debug, Clone, Copy)]
struct BridgeTable {
    table: &'static str,
    name: &'static str,
    code: &'static str,
    active: Option<&'static str>,
    link: &'static str,
}

/// The name of a course template is its title.
const TEMPLATES: BridgeTable = BridgeTable {
    table: "course_templates",
    name: "title",
    code: "code",
    active: Some("active"),
    link: "tutorial_course_template_id",
};
const LOCATIONS: BridgeTable = BridgeTable {
    table: "locations",
    name: "name",
    code: "code",
    active: Some("active"),
    link: "tutorial_location_id",
};
const VENUES: BridgeTable =
    BridgeTable { table: "venues", name: "name", code: "description", active: None, link: "tutorial_venue_id" };

/// A statement's source and the location of its rows.
const NO_PLACE: &str = "false AS is_placed, NULL::bigint AS location";
const PLACE: &str = "t.location_id IS NOT NULL AS is_placed, l.tutorial_location_id::bigint AS location";
const PLACE_TABLE: &str = " LEFT JOIN adm.locations AS l ON l.external_id = t.location_id";

async fn linked_rows(
    db: &mut PgConnection,
    source: BridgeTable,
    has: &impl Fn(&str, &str) -> bool,
    is_venue: bool,
) -> Result<Vec<Linked>> {
    let text = |column: &str| match has(source.table, column) {
        true => format!("coalesce(t.{column}, '')"),
        false => "''".to_owned(),
    };
    let active = source.active.filter(|active| has(source.table, active));
    let (place, join) = if is_venue { (PLACE, PLACE_TABLE) } else { (NO_PLACE, "") };
    let sql = format!(
        "SELECT t.id::bigint AS id, {name}::text AS name, {code}::text AS code, {active} AS is_active,
                t.{link}::bigint AS link, {place}
         FROM adm.{table} AS t{join} ORDER BY t.id",
        name = text(source.name),
        code = text(source.code),
        active = active.map_or("true".to_owned(), |active| format!("coalesce(t.{active}, true)")),
        link = source.link,
        table = source.table
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

pub async fn templates(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool) -> Result<Vec<Linked>> {
    linked_rows(db, TEMPLATES, has, false).await
}

pub async fn locations(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool) -> Result<Vec<Linked>> {
    linked_rows(db, LOCATIONS, has, false).await
}

pub async fn venues(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool) -> Result<Vec<Linked>> {
    linked_rows(db, VENUES, has, true).await
}

/// A row of `acted.tutorial_*`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OwnRow {
    pub id: i64,
    pub name: String,
    pub location: Option<i64>,
    /// Whether a row of Administrate's side is linked with it.
    pub is_linked: bool,
}

impl OwnRow {
    pub fn named(&self) -> NamedPlace {
        NamedPlace { id: self.id, name: self.name.clone(), location: self.location }
    }
}

/// Returns the course templates in `acted` with their codes.
pub async fn own_templates(db: &mut PgConnection) -> Result<Vec<OwnRow>> {
    let (own, linked) = ("acted.tutorial_course_templates", "adm.course_templates");
    own_rows(db, own, "code", "NULL", (linked, "tutorial_course_template_id")).await
}

pub async fn own_locations(db: &mut PgConnection) -> Result<Vec<OwnRow>> {
    own_rows(db, "acted.tutorial_locations", "name", "NULL", ("adm.locations", "tutorial_location_id")).await
}

pub async fn own_venues(db: &mut PgConnection) -> Result<Vec<OwnRow>> {
    own_rows(db, "acted.tutorial_venues", "name", "location_id", ("adm.venues", "tutorial_venue_id")).await
}

/// Returns the rows of a table. `linked`: the table of Administrate's side with the column that refers to them.
async fn own_rows(
    db: &mut PgConnection,
    table: &str,
    name: &str,
    location: &str,
    linked: (&str, &str),
) -> Result<Vec<OwnRow>> {
    let (other, reference) = linked;
    let sql = format!(
        "SELECT id::bigint, {name}::text AS name, {location}::bigint AS location, a.linked IS NOT NULL AS is_linked
         FROM {table} AS t LEFT JOIN (SELECT DISTINCT {reference} AS linked FROM {other}) AS a ON a.linked = t.id
         ORDER BY id"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Adds course templates; returns their ids in this order.
pub async fn add_templates(db: &mut PgConnection, rows: &[&Linked]) -> Result<Vec<i64>> {
    let sql = addition("acted.tutorial_course_templates", ["code", "title", "is_active"], "boolean");
    let active: Vec<bool> = rows.iter().map(|row| row.is_active).collect();
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(codes(rows)).bind(names(rows)).bind(active);
    Ok(query.bind(NAME).bind(CREATED).fetch_all(db).await?)
}

pub async fn add_locations(db: &mut PgConnection, rows: &[&Linked]) -> Result<Vec<i64>> {
    let sql = addition("acted.tutorial_locations", ["name", "code", "is_active"], "boolean");
    let active: Vec<bool> = rows.iter().map(|row| row.is_active).collect();
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(names(rows)).bind(codes(rows)).bind(active);
    Ok(query.bind(NAME).bind(CREATED).fetch_all(db).await?)
}

pub async fn add_venues(db: &mut PgConnection, rows: &[&Linked]) -> Result<Vec<i64>> {
    let sql = addition("acted.tutorial_venues", ["name", "description", "location_id"], "bigint");
    let locations: Vec<Option<i64>> = rows.iter().map(|row| row.location).collect();
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(names(rows)).bind(codes(rows)).bind(locations);
    Ok(query.bind(NAME).bind(CREATED).fetch_all(db).await?)
}

/// Returns the statement that adds rows with two texts and a value of this type, and notes in the archive that they are new.
fn addition(table: &str, columns: [&str; 3], last_type: &str) -> String {
    let columns = columns.join(", ");
    format!(
        "WITH added AS (INSERT INTO {table} ({columns})
                        SELECT {columns}
                        FROM unnest($1::text[], $2::text[], $3::{last_type}[]) WITH ORDINALITY AS n ({columns}, position)
                        ORDER BY position RETURNING id),
              stored AS (INSERT INTO lectern.archive (step, source, source_id, field, reason)
                         SELECT $4, '{table}', id, 'id', $5 FROM added)
         SELECT id::bigint FROM added ORDER BY id"
    )
}

fn names<'a>(rows: &[&'a Linked]) -> Vec<&'a str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

fn codes<'a>(rows: &[&'a Linked]) -> Vec<&'a str> {
    rows.iter().map(|row| row.code.as_str()).collect()
}
