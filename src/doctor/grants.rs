//! What the user of the database may do.

use std::collections::BTreeMap;

use sqlx::PgPool;

use super::store::{self, MissingGrant, ServerFacts};
use super::{CheckResult, listed, quoted};
use crate::console::counted;
use crate::error::Result;
use crate::migrate;

/// A statement with more objects is shortened.
const MAX_OBJECTS: usize = 8;

/// Checks the privileges that every command needs, and those of `lectern migrate` where steps are pending.
pub(super) async fn check(
    pool: &PgPool,
    facts: &ServerFacts,
    tables: &[String],
    has_pending_steps: bool,
) -> Result<CheckResult> {
    let missing = store::missing_grants(pool, &migrate::service_privileges()).await?;
    if !missing.is_empty() {
        return Ok(lacking(&facts.user_name, &missing));
    }
    let rights = store::missing_migration_rights(pool, tables).await?;
    let user = &facts.user_name;
    let Some((_, owner)) = rights.first() else {
        return Ok(CheckResult::good(format!("user {user} may read and write what Lectern uses, and migrate it")));
    };
    let objects: Vec<String> = rights.iter().map(|(object, owner)| format!("{object} (owner {owner})")).collect();
    if has_pending_steps {
        return Ok(CheckResult::bad(
            format!("steps are pending, and user {user} may not change {}", listed(&objects)),
            format!(
                "run `lectern migrate` with a DATABASE_URL of user {owner}, or GRANT {} TO {}",
                quoted(owner),
                quoted(user)
            ),
        ));
    }
    Ok(CheckResult::good(format!(
        "user {user} may read and write what Lectern uses; migrating needs the owner of {} objects ({owner})",
        rights.len()
    )))
}

/// Names what is missing, with the statements that grant it.
fn lacking(user: &str, missing: &[MissingGrant]) -> CheckResult {
    // Objects that lack the same privileges share a statement.
    let mut groups: BTreeMap<(usize, &str, String), Vec<&str>> = BTreeMap::new();
    for grant in missing {
        let order = ["SCHEMA", "TABLE", "SEQUENCE", "FUNCTION"].iter().position(|kind| *kind == grant.kind);
        let key = (order.unwrap_or_default(), grant.kind.as_str(), grant.privileges.join(", "));
        groups.entry(key).or_default().push(&grant.object);
    }
    let described = groups.iter().map(|((_, kind, privileges), objects)| match objects.as_slice() {
        [object] => format!("{privileges} on {object}"),
        objects => format!("{privileges} on {}", counted(objects.len(), &kind.to_lowercase())),
    });
    let statements = groups.iter().map(|((_, kind, privileges), objects)| {
        let shown = objects.iter().take(MAX_OBJECTS).copied().collect::<Vec<_>>().join(", ");
        let more = if objects.len() > MAX_OBJECTS { ", …" } else { "" };
        format!("GRANT {privileges} ON {kind} {shown}{more} TO {}", quoted(user))
    });
    let statements = statements.collect::<Vec<_>>().join("; ");
    let all = format!("`lectern migrate plan --grants OWNER,{user}` prints all");
    CheckResult::bad(
        format!("user {user} lacks {}", described.collect::<Vec<_>>().join("; ")),
        format!("as the owner: {statements} ({all})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_lack_the_same_share_a_statement() {
        let grant = |kind: &str, object: &str, privileges: &[&str]| MissingGrant {
            kind: kind.into(),
            object: object.into(),
            privileges: privileges.iter().map(|privilege| (*privilege).to_owned()).collect(),
        };
        let result = lacking(
            "web",
            &[
                grant("TABLE", "adm.events", &["UPDATE"]),
                grant("TABLE", "adm.venues", &["UPDATE"]),
                grant("SCHEMA", "adm", &["USAGE"]),
            ],
        );
        assert_eq!(result.detail, "user web lacks USAGE on adm; UPDATE on 2 tables");
        let fix = result.fix.expect("a fix");
        let expected = "GRANT USAGE ON SCHEMA adm TO \"web\"; GRANT UPDATE ON TABLE adm.events, adm.venues TO \"web\"";
        assert!(fix.contains(expected), "{fix}");
    }
}
