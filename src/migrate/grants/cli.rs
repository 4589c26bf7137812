//! `lectern migrate plan --grants`.

use serde_json::json;

use super::script::{self, Line};
use super::store;
use crate::app::Context;
use crate::database::Database;
use crate::error::{Error, Exit, Result};

/// The two roles of `--grants`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePair {
    pub owner: String,
    pub service: String,
}

/// The longest name of a role, in bytes. PostgreSQL cuts longer ones.
const LONGEST_NAME: usize = 63;

/// Reads `OWNER,SERVICE`. A name with a comma is written in double quotes.
pub fn parse(text: &str) -> Result<RolePair, String> {
    let (owner, rest) = role(text)?;
    let rest = rest.strip_prefix(',').ok_or("two roles are needed: OWNER,SERVICE")?;
    let (service, rest) = role(rest)?;
    if !rest.is_empty() {
        return Err("only two roles are needed: OWNER,SERVICE".to_owned());
    }
    if owner == service {
        return Err(format!("OWNER and SERVICE are the same role {owner:?}: the service must not own the tables"));
    }
    Ok(RolePair { owner, service })
}

fn role(text: &str) -> Result<(String, &str), String> {
    let (name, rest) = if let Some(quoted) = text.trim_start().strip_prefix('"') {
        let (name, rest) = quoted.split_once('"').ok_or("a name has no closing double quote")?;
        (name, rest.trim_start())
    } else {
        let (name, rest) = text.split_at(text.find(',').unwrap_or(text.len()));
        (name.trim(), rest)
    };
    if name.is_empty() {
        return Err("a role has no name: OWNER,SERVICE".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Err(format!("{name:?} is longer than {LONGEST_NAME} bytes"));
    }
    if ["public", "none"].contains(&name) {
        return Err(format!("{name} is no role: name one that only this service uses"));
    }
    Ok((name.to_owned(), rest))
}

/// Prints the statements.
pub async fn run(context: &Context, database: &Database, roles: &RolePair) -> Result<Exit> {
    let mut db = database.pool.acquire().await.map_err(Error::Database)?;
    let found = store::read(&mut db, &roles.owner, &roles.service).await?;
    let lines = script::write(&found, &roles.owner, &roles.service);
    for line in &lines {
        match line {
            // A name may contain a line end, which would end the comment.
            Line::Comment(text) => context.console.print(format_args!("-- {}", text.replace(['\n', '\r'], " "))),
            Line::Statement(text) => context.console.print(text),
        }
    }
    let is_missing = |name: &&String| found.roles.iter().all(|role| role.name != **name);
    let missing: Vec<&String> = [&roles.owner, &roles.service].into_iter().filter(is_missing).collect();
    for role in &missing {
        context
            .console
            .notify(format_args!("the role {role} does not exist: create it before the statements are executed"));
    }
    let statements: Vec<&String> =
        lines.iter().filter_map(|line| if let Line::Statement(text) = line { Some(text) } else { None }).collect();
    let remarks: Vec<&String> =
        lines.iter().filter_map(|line| if let Line::Comment(text) = line { Some(text) } else { None }).collect();
    context.console.document(&json!({
        "owner": roles.owner, "service": roles.service, "missing_roles": missing,
        "statements": statements, "remarks": remarks,
    }))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_roles_are_read() {
        let pair = |owner: &str, service: &str| RolePair { owner: owner.into(), service: service.into() };
        assert_eq!(parse("owner,service"), Ok(pair("owner", "service")));
        assert_eq!(parse(" Owner , my service "), Ok(pair("Owner", "my service")));
        assert_eq!(parse("\"a,b\", \"c\""), Ok(pair("a,b", "c")));
        for wrong in ["", "a", "a,", ",b", "a,b,c", "a,a", "a,public", "\"a,b", &format!("a,{}", "b".repeat(64))] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
