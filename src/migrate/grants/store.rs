//! Statements on roles, owners and privileges.

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{DatabaseRoles, privileges};
use crate::error::Result;

/// Reads what the grants for two roles depend on.
pub async fn read(db: &mut PgConnection, owner: &str, service: &str) -> Result<DatabaseRoles> {
    let Json(found): Json<DatabaseRoles> = sqlx::query_scalar(ROLES)
        .bind(owner)
        .bind(service)
        .bind(privileges::UNDONE.iter().map(|table| (*table).to_owned()).collect::<Vec<_>>())
        .fetch_one(db)
        .await?;
    Ok(found)
}

const ROLES: &str = "
SELECT json_build_object(
    'database', current_database(),
    'roles', (SELECT coalesce(json_agg(json_build_object('name', rolname, 'is_superuser', rolsuper)), '[]')
              FROM pg_roles WHERE rolname IN ($1, $2)),
    'is_member', coalesce((SELECT pg_has_role(s.oid, o.oid, 'MEMBER') FROM pg_roles AS s, pg_roles AS o
                           WHERE s.rolname = $2 AND o.rolname = $1), false),
    'everybody_creates', coalesce((SELECT has_schema_privilege('public', oid, 'CREATE') FROM pg_namespace
                                   WHERE nspname = 'public'), false),
    'schemas', (SELECT coalesce(json_agg(json_build_object('name', nspname, 'owner', pg_get_userbyid(nspowner))), '[]')
                FROM pg_namespace WHERE nspname IN ('public', 'acted', 'adm', 'lectern')),
    'tables', (SELECT coalesce(json_agg(json_build_object(
            'schema', n.nspname, 'name', c.relname, 'kind', c.relkind, 'owner', r.rolname, 'is_owner_superuser', r.rolsuper,
            'sequences', (SELECT coalesce(json_agg(format('%I.%I', qn.nspname, q.relname)), '[]')
                FROM pg_attrdef AS d JOIN pg_depend AS p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
                     AND p.refclassid = 'pg_class'::regclass
                JOIN pg_class AS q ON q.oid = p.refobjid AND q.relkind = 'S'
                JOIN pg_namespace AS qn ON qn.oid = q.relnamespace
                WHERE d.adrelid = c.oid),
            'columns', (SELECT coalesce(json_agg(attname), '[]') FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
            'granted', (SELECT coalesce(json_agg(DISTINCT x.privilege_type ORDER BY x.privilege_type), '[]')
                FROM aclexplode(c.relacl) AS x JOIN pg_roles AS g ON g.oid = x.grantee WHERE g.rolname = $2))
            ORDER BY n.nspname, c.relname), '[]')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND n.nspname !~ '^pg_(toast|temp)'),
    'functions', (SELECT coalesce(json_agg(p.oid::regprocedure::text ORDER BY 1), '[]')
                  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
                  WHERE n.nspname = 'lectern' AND pg_get_userbyid(p.proowner) <> $1),
    'referrers', (SELECT coalesce(json_agg(DISTINCT jsonb_build_object(
            'schema', n.nspname, 'name', c.relname, 'column', a.attname)), '[]')
        FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
          AND k.confrelid IN (SELECT to_regclass(name) FROM unnest($3::text[]) AS name)))";

/// Returns the roles that the owner of schema `lectern` has marked as services: default privileges name them.
pub async fn services(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT g.rolname::text FROM pg_default_acl AS d JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
         CROSS JOIN aclexplode(d.defaclacl) AS x JOIN pg_roles AS g ON g.oid = x.grantee
         WHERE n.nspname = 'lectern' AND d.defaclobjtype = 'S' AND x.grantee <> d.defaclrole
           AND pg_has_role(d.defaclrole, 'USAGE') ORDER BY 1",
    )
    .fetch_all(db)
    .await?)
}

/// Returns the tables whose privileges this connection may change, as schema, name and columns.
pub async fn own_tables(db: &mut PgConnection) -> Result<Vec<(String, String, Vec<String>)>> {
    Ok(sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text,
                ARRAY(SELECT attname::text FROM pg_attribute
                      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
         FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'acted', 'adm', 'lectern')
           AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1, 2",
    )
    .fetch_all(db)
    .await?)
}

/// Executes GRANT and REVOKE statements.
pub async fn execute(db: &mut PgConnection, statements: &[String]) -> Result<()> {
    if !statements.is_empty() {
        sqlx::raw_sql(AssertSqlSafe(statements.join("\n"))).execute(db).await?;
    }
    Ok(())
}
