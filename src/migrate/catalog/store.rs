//! The statements that read PostgreSQL's system catalogue.

use std::collections::HashSet;

use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Catalog, OtherRelation, Relation};
use crate::error::Result;

/// Quotes an identifier.
pub(in crate::migrate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads the relations of the four schemas. Nothing is locked that a reader does not lock.
pub(in crate::migrate) async fn read(db: &mut PgConnection) -> Result<Catalog> {
    let (user, schemas, closed_schemas, fixed_schemas, fixed_database) =
        sqlx::query_as(SCHEMAS).fetch_one(&mut *db).await?;
    let tables: Vec<Json<Relation>> = sqlx::query_scalar(TABLES).fetch_all(&mut *db).await?;
    let tables: Vec<Relation> = tables.into_iter().map(|Json(table)| table).collect();
    let mut others: Vec<OtherRelation> = sqlx::query_as(NAMES).fetch_all(db).await?;
    let parts = tables.iter().flat_map(|table| {
        let indexes = table.indexes.iter().map(|index| index.oid);
        indexes.chain(table.sequences.iter().map(|sequence| sequence.oid)).chain([table.oid])
    });
    let parts: HashSet<i64> = parts.collect();
    others.retain(|other| !parts.contains(&other.oid));
    Ok(Catalog { tables, schemas, user, closed_schemas, fixed_schemas, fixed_database, others })
}

/// The four schemas, and what the user may not do in them.
const SCHEMAS: &str = "
SELECT current_user::text, coalesce(array_agg(nspname::text ORDER BY nspname), '{}'),
       coalesce(array_agg(nspname::text ORDER BY nspname) FILTER (WHERE NOT has_schema_privilege(oid, 'USAGE')), '{}'),
       coalesce(array_agg(nspname::text ORDER BY nspname) FILTER (WHERE NOT has_schema_privilege(oid, 'CREATE')), '{}'),
       CASE WHEN NOT has_database_privilege(current_database(), 'CREATE') THEN current_database()::text END
FROM pg_namespace WHERE nspname IN ('public', 'acted', 'adm', 'lectern')";

const NAMES: &str = "
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'acted', 'adm', 'lectern')";

/// Each relation as one JSON document. Everything is found by dependency; names are only reported.
const TABLES: &str = "
SELECT json_build_object(
    'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
    'filenode', coalesce(pg_relation_filenode(c.oid)::bigint, 0),
    'bytes', CASE WHEN c.relkind IN ('r', 'p', 'm') THEN pg_total_relation_size(c.oid) ELSE 0 END,
    'estimated_rows', c.reltuples::bigint,
    'owner', pg_get_userbyid(c.relowner), 'is_owned', pg_has_role(c.relowner, 'USAGE'),
    'is_readable', has_table_privilege(c.oid, 'SELECT'), 'has_row_security', c.relrowsecurity,
    'columns', coalesce((
        SELECT json_agg(json_build_object(
            'name', a.attname, 'data_type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
            'default', pg_get_expr(d.adbin, d.adrelid), 'is_identity', a.attidentity <> '') ORDER BY a.attnum)
        FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
    'constraints', coalesce((
        SELECT json_agg(json_build_object(
            'oid', k.oid::bigint, 'name', k.conname, 'kind', k.contype,
            'columns', coalesce((SELECT json_agg(a.attname ORDER BY u.n)
                FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
                JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum), '[]'),
            'target', CASE WHEN k.contype = 'f' THEN json_build_object(
                'oid', k.confrelid::bigint, 'schema', fn.nspname, 'table', f.relname,
                'columns', (SELECT json_agg(a.attname ORDER BY u.n)
                    FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n)
                    JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
                'on_delete', k.confdeltype, 'on_update', k.confupdtype) END,
            'is_deferrable', k.condeferrable, 'is_deferred', k.condeferred, 'is_valid', k.convalidated,
            'definition', pg_get_constraintdef(k.oid)) ORDER BY k.contype, k.conname)
        FROM pg_constraint AS k LEFT JOIN pg_class AS f ON f.oid = k.confrelid
             LEFT JOIN pg_namespace AS fn ON fn.oid = f.relnamespace
        WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')), '[]'),
    'indexes', coalesce((
        SELECT json_agg(json_build_object(
            'oid', i.indexrelid::bigint, 'name', ic.relname, 'is_unique', i.indisunique, 'is_valid', i.indisvalid,
            'is_of_constraint', EXISTS (SELECT FROM pg_constraint AS k
                                        WHERE k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype <> 'f'),
            'definition', substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)$')) ORDER BY ic.relname)
        FROM pg_index AS i JOIN pg_class AS ic ON ic.oid = i.indexrelid
        WHERE i.indrelid = c.oid), '[]'),
    'sequences', coalesce((
        SELECT json_agg(json_build_object(
            'oid', s.oid::bigint, 'schema', sn.nspname, 'name', s.relname, 'column', s.attname, 'is_owned', s.is_owned,
            'is_shared', EXISTS (SELECT FROM pg_depend AS o JOIN pg_attrdef AS od ON od.oid = o.objid
                                 WHERE o.classid = 'pg_attrdef'::regclass AND o.refclassid = 'pg_class'::regclass
                                   AND o.refobjid = s.oid AND od.adrelid <> c.oid)) ORDER BY s.attname)
        FROM (
            SELECT q.oid, q.relname, q.relnamespace, a.attname, bool_or(u.is_owned) AS is_owned
            FROM (
                SELECT d.objid AS sequence, d.refobjsubid AS attnum, true AS is_owned
                FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
                UNION ALL
                SELECT d.refobjid, ad.adnum, false
                FROM pg_attrdef AS ad JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                WHERE ad.adrelid = c.oid) AS u
            JOIN pg_class AS q ON q.oid = u.sequence AND q.relkind = 'S'
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum
            GROUP BY 1, 2, 3, 4) AS s JOIN pg_namespace AS sn ON sn.oid = s.relnamespace), '[]'),
    'triggers', coalesce((
        SELECT json_agg(json_build_object('name', t.tgname, 'schema', pn.nspname) ORDER BY t.tgname)
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS pn ON pn.oid = p.pronamespace
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '[]'),
    'grants', coalesce((
        SELECT json_agg(json_build_object('role', coalesce(r.rolname, ''), 'privilege', g.privilege_type,
                                          'column', g.attname, 'can_grant', g.is_grantable)
                        ORDER BY r.rolname, g.attname, g.privilege_type)
        FROM (
            SELECT x.grantee, x.privilege_type, x.is_grantable, NULL::name AS attname FROM aclexplode(c.relacl) AS x
            UNION ALL
            SELECT x.grantee, x.privilege_type, x.is_grantable, a.attname
            FROM pg_attribute AS a, aclexplode(a.attacl) AS x
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS g
        LEFT JOIN pg_roles AS r ON r.oid = g.grantee
        WHERE g.grantee <> c.relowner), '[]'),
    'dependents', coalesce((
        SELECT json_agg(json_build_object('schema', v.nspname, 'name', v.relname, 'kind', v.relkind, 'columns', v.columns)
                        ORDER BY v.nspname, v.relname)
        FROM (
            SELECT vn.nspname, vc.relname, vc.relkind,
                   coalesce(json_agg(DISTINCT a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]') AS columns
            FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid JOIN pg_class AS vc ON vc.oid = w.ev_class
                 JOIN pg_namespace AS vn ON vn.oid = vc.relnamespace
                 LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
              AND w.ev_class <> c.oid
            GROUP BY 1, 2, 3) AS v), '[]'),
    'referenced_by', coalesce((
        SELECT json_agg(json_build_object('schema', rn.nspname, 'table', rc.relname, 'constraint', k.conname)
                        ORDER BY rn.nspname, rc.relname, k.conname)
        FROM pg_constraint AS k JOIN pg_class AS rc ON rc.oid = k.conrelid JOIN pg_namespace AS rn ON rn.oid = rc.relnamespace
        WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conrelid <> c.oid AND k.conparentid = 0), '[]'))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'acted', 'adm', 'lectern') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT c.relispartition
ORDER BY n.nspname, c.relname";
