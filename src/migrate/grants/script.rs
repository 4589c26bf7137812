//! Writes the statements for an administrator. Pure.

use super::{DatabaseRoles, privileges};
use crate::migrate::catalog::quote;

/// A line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Comment(String),
    Statement(String),
}

/// Schemas that contain tables of Lectern.
const SCHEMAS: [&str; 4] = ["acted", "adm", "lectern", "public"];

/// Returns the name of a table for a statement, with as few quotes as possible.
fn full_name(schema: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let schema = if SCHEMAS.contains(&schema) { schema.to_owned() } else { quote(schema) };
    let starts_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let name = if starts_plain && name.chars().all(is_plain) { name.to_owned() } else { quote(name) };
    format!("{schema}.{name}")
}

/// Returns the statements that give a service exactly what it needs on one table with these columns.
pub fn of_table((schema, name): (&str, &str), columns: &[String], service: &str) -> Vec<String> {
    let Some(known) = privileges::known_name(schema, name) else { return Vec::new() };
    let (table, role) = (full_name(schema, name), quote(service));
    let revoke = format!("REVOKE ALL ON TABLE {table} FROM {role};");
    // A found table may lack columns that a created one has.
    let exists = |privilege: &&str| match privilege.split_once(" (") {
        Some((_, column)) => columns.iter().any(|existing| existing == column.trim_end_matches(')')),
        None => true,
    };
    let given = privileges::of_service(&known).unwrap_or_default();
    let given: Vec<&str> = given.split(", ").filter(|given| !given.is_empty()).filter(exists).collect();
    let grant = (!given.is_empty()).then(|| format!("GRANT {} ON TABLE {table} TO {role};", given.join(", ")));
    std::iter::once(revoke).chain(grant).collect()
}

/// Writes the script.
pub fn write(found: &DatabaseRoles, owner: &str, service: &str) -> Vec<Line> {
    let mut lines = header(found, owner, service);
    let (o, s) = (quote(owner), quote(service));
    let mut add = |line: String| lines.push(Line::Statement(line));
    let database = quote(&found.database);
    add("SET lock_timeout = '2s';".to_owned());
    add(format!("GRANT CONNECT, CREATE ON DATABASE {database} TO {o};"));
    add(format!("GRANT CONNECT ON DATABASE {database} TO {s};"));
    for schema in SCHEMAS {
        match found.schemas.iter().find(|existing| existing.name == schema) {
            None => add(format!("CREATE SCHEMA {schema} AUTHORIZATION {o};")),
            Some(existing) if existing.owner == owner => {}
            Some(existing) if existing.owner == service => add(format!("ALTER SCHEMA {schema} OWNER TO {o};")),
            Some(_) if schema == "lectern" => add(format!("ALTER SCHEMA lectern OWNER TO {o};")),
            Some(_) => add(format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {o};")),
        }
    }
    let schemas = SCHEMAS.join(", ");
    add(format!("REVOKE ALL ON SCHEMA {schemas} FROM {s};"));
    add(format!("GRANT USAGE ON SCHEMA {schemas} TO {s};"));
    lines.extend(owners(found, owner, service));
    lines.push(Line::Comment(format!("What {service} does on each table.")));
    for table in found.tables.iter().filter(|table| table.is_known()) {
        lines.extend(of_table((&table.schema, &table.name), &table.columns, service).into_iter().map(Line::Statement));
        let known = privileges::known_name(&table.schema, &table.name);
        if known.and_then(|known| privileges::of_service(&known)).is_some_and(|given| given.contains("INSERT")) {
            let grant = |sequence: &String| format!("GRANT USAGE ON SEQUENCE {sequence} TO {s};");
            lines.extend(table.sequences.iter().map(grant).map(Line::Statement));
        }
    }
    lines.extend(referrers(found, service));
    lines.push(Line::Comment(format!(
        "This marks {service}: each `lectern migrate` gives it what new tables need, and nothing else."
    )));
    lines.push(Line::Statement(format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {o} IN SCHEMA lectern GRANT USAGE ON SEQUENCES TO {s};"
    )));
    lines.extend(remarks(found, service));
    lines
}

fn header(found: &DatabaseRoles, owner: &str, service: &str) -> Vec<Line> {
    let (o, s) = (quote(owner), quote(service));
    let mut lines = vec![
        format!("Privileges of Lectern in database {}.", quote(&found.database)),
        format!("{o} owns the tables and runs `lectern migrate`; {s} runs serve, sync, import and everything else."),
        "Execute it as a superuser in one transaction (psql -1 -v ON_ERROR_STOP=1). It can be repeated.".to_owned(),
    ];
    for role in [owner, service] {
        match found.roles.iter().find(|existing| existing.name == role) {
            None => {
                lines.push(format!("The role {} does not exist. Create it first, with a password:", quote(role)));
                lines.push(format!("CREATE ROLE {} LOGIN;", quote(role)));
            }
            Some(existing) if existing.is_superuser => {
                lines.push(format!("{} is a superuser: no privilege restricts it. Use another role.", quote(role)));
            }
            Some(_) => {}
        }
    }
    if found.is_member {
        lines.push(format!("{s} is a member of {o} and may do whatever that may. To end this: REVOKE {o} FROM {s};"));
    }
    lines.into_iter().map(Line::Comment).collect()
}

/// Gives our tables to the owner. A former owner who is no superuser keeps its privileges.
fn owners(found: &DatabaseRoles, owner: &str, service: &str) -> Vec<Line> {
    let (o, mut lines) = (quote(owner), Vec::new());
    for table in found.tables.iter().filter(|table| table.owner != owner && table.is_known()) {
        if lines.is_empty() {
            lines.push(Line::Comment(format!(
                "Tables that belong to another role now. It keeps its privileges, but only {owner} can change the tables."
            )));
        }
        let name = full_name(&table.schema, &table.name);
        lines.push(Line::Statement(format!("ALTER TABLE {name} OWNER TO {o};")));
        if !table.is_owner_superuser && table.owner != service {
            let former = quote(&table.owner);
            lines.push(Line::Statement(format!("GRANT ALL ON TABLE {name} TO {former};")));
            let grant = |sequence: &String| format!("GRANT ALL ON SEQUENCE {sequence} TO {former};");
            lines.extend(table.sequences.iter().map(grant).map(Line::Statement));
        }
    }
    let change = |function: &String| Line::Statement(format!("ALTER FUNCTION {function} OWNER TO {o};"));
    lines.extend(found.functions.iter().map(change));
    lines
}

/// Lets the service see whether rows of other programs refer to those that an undo would delete.
fn referrers(found: &DatabaseRoles, service: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for column in &found.referrers {
        if privileges::known_name(&column.schema, &column.name).is_some() {
            continue;
        }
        if lines.is_empty() {
            let why =
                "Columns of other programs that refer to rows which `sync undo` deletes only if no row refers to them.";
            lines.push(Line::Comment(why.to_owned()));
        }
        let table = full_name(&column.schema, &column.name);
        let column = quote(&column.column);
        lines.push(Line::Statement(format!("GRANT SELECT ({column}) ON TABLE {table} TO {};", quote(service))));
    }
    lines
}

/// Names what the service may do beyond this. Nothing of it is revoked, because other programs may need it.
fn remarks(found: &DatabaseRoles, service: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let others = found.tables.iter().filter(|table| !table.granted.is_empty());
    for table in others.filter(|table| !table.is_known()) {
        let name = full_name(&table.schema, &table.name);
        let privileges = table.granted.join(", ");
        lines.push(format!("REVOKE {privileges} ON TABLE {name} FROM {};", quote(service)));
    }
    if !lines.is_empty() {
        lines.insert(0, format!("{service} may use other tables, too. If it does not need them:"));
    }
    if found.everybody_creates {
        lines.push("Every role may create tables in schema public. If no program needs that:".to_owned());
        lines.push("REVOKE CREATE ON SCHEMA public FROM PUBLIC;".to_owned());
    }
    lines.into_iter().map(Line::Comment).collect()
}
