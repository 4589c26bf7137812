//! The statements of `lectern migrate plan --sql`, run on a warm connection, and taken back.

use std::time::Instant;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;
use crate::program::run;
use crate::stage::Stage;

/// A statement that gives a relation another place or name, and the one that takes it back.
#[derive(Clone)]
struct Renaming {
    /// The name without the schema.
    relation: String,
    forward: String,
    backward: String,
}

/// The statements of the move `adm-schema`, in its two transactions.
#[derive(Clone)]
pub struct Statements {
    /// The tables before and after it.
    tables: Vec<(String, String)>,
    places: Vec<Renaming>,
    names: Vec<Renaming>,
}

/// How long the tables were locked.
pub struct Locked {
    /// While they got their places.
    pub places: f64,
    /// While their indexes and sequences got their names.
    pub names: f64,
}

impl Statements {
    /// Asks the program.
    pub async fn of_program(stage: &Stage, database: &str) -> Result<Statements> {
        let printed = run(stage.program(database, None, &["migrate", "plan", "--sql"])).await?.stdout;
        let lines = printed.lines().skip_while(|line| *line != "-- adm-schema").skip(1);
        let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        let (mut places, mut names, mut tables) = (Vec::new(), Vec::new(), Vec::new());
        for line in &lines {
            let renaming = parse(line).ok_or_else(|| format!("an unknown statement: {line}"))?;
            if let Some(table) = renaming.relation.strip_prefix("adm.").filter(|_| line.contains("SET SCHEMA")) {
                tables.push((format!("public.\"adm.{table}\""), format!("adm.{table}")));
            }
            if line.starts_with("ALTER TABLE ") { places.push(renaming) } else { names.push(renaming) }
        }
        if tables.is_empty() {
            return Err(format!("the plan moves nothing: {printed}").into());
        }
        Ok(Statements { tables, places, names })
    }

    /// Returns those of one table.
    pub fn of_table(&self, table: &str) -> Statements {
        let prefix = format!("adm.{table}");
        let only = |renamings: &[Renaming]| {
            renamings.iter().filter(|renaming| renaming.relation.starts_with(&prefix)).cloned().collect()
        };
        let tables = self.tables.iter().filter(|(_, after)| *after == prefix).cloned().collect();
        Statements { tables, places: only(&self.places), names: only(&self.names) }
    }

    /// Moves the tables, then takes everything back. Returns how long they were locked by the move.
    pub async fn run(&self, db: &mut PgConnection) -> Result<Locked> {
        let (before, after): (Vec<&str>, Vec<&str>) = self.tables.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();
        let forward = |renamings: &[Renaming]| renamings.iter().map(|renaming| renaming.forward.clone()).collect();
        let backward =
            |renamings: &[Renaming]| renamings.iter().rev().map(|renaming| renaming.backward.clone()).collect();
        let places = locked(db, &before, "ACCESS EXCLUSIVE", forward(&self.places)).await?;
        let names = locked(db, &after, "SHARE UPDATE EXCLUSIVE", forward(&self.names)).await?;
        locked(db, &after, "SHARE UPDATE EXCLUSIVE", backward(&self.names)).await?;
        locked(db, &after, "ACCESS EXCLUSIVE", backward(&self.places)).await?;
        Ok(Locked { places, names })
    }
}

/// Executes statements in a transaction; returns the seconds from the first lock to the end of the commit.
async fn locked(db: &mut PgConnection, tables: &[&str], mode: &str, statements: Vec<String>) -> Result<f64> {
    sqlx::raw_sql("BEGIN; SET LOCAL lock_timeout = '500ms'").execute(&mut *db).await?;
    let sql = format!("LOCK TABLE {} IN {mode} MODE;\n{}", tables.join(", "), statements.join("\n"));
    let started = Instant::now();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await?;
    sqlx::raw_sql("COMMIT").execute(&mut *db).await?;
    Ok(started.elapsed().as_secs_f64())
}

/// Reads `ALTER TABLE "public"."adm.venues" SET SCHEMA "adm";` and its like.
fn parse(line: &str) -> Option<Renaming> {
    let parts: Vec<&str> = line.split('"').collect();
    let [start, schema, ".", name, action, target, ";"] = parts[..] else { return None };
    let backward = match action {
        " SET SCHEMA " => format!("{start}\"{target}\".\"{name}\"{action}\"{schema}\";"),
        " RENAME TO " => format!("{start}\"{schema}\".\"{target}\"{action}\"{name}\";"),
        _ => return None,
    };
    Some(Renaming { relation: name.to_owned(), forward: line.to_owned(), backward })
}
