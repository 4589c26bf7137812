//! Judges `ALTER TABLE`. Pure.

use super::column::{self, Generated, volatile_call};
use super::cursor::{ObjectName, TokenCursor, quoted};
use super::finding::{Duration, LockMode, Risk, StatementEffect};
use super::state::{Age, KnownObjects, SqlSession};
use super::table_constraint::{self, is_not_null_checked};
use super::types::{self, TypeChange, TypeName};

/// What the actions of a statement need to know.
pub struct AlteredTable<'s> {
    pub name: ObjectName,
    pub objects: &'s mut KnownObjects,
    pub session: &'s mut SqlSession,
}

/// Judges each action of `ALTER TABLE`, of which the first two words have been read.
pub fn judge(mut rest: TokenCursor<'_>, objects: &mut KnownObjects, session: &mut SqlSession) -> Vec<StatementEffect> {
    if rest.eat("all in tablespace") {
        return vec![
            StatementEffect::rewrite("move-tablespace")
                .because("every table of the tablespace is copied, one after the other")
                .instead("create each table in the new tablespace, or use pg_repack"),
        ];
    }
    rest.eat("if exists");
    rest.eat("only");
    let Some(name) = rest.eat_name() else { return vec![unknown("ALTER TABLE", &rest)] };
    rest.eat("*");
    let mut table = AlteredTable { name, objects, session };
    let actions = if rest.is("rename") || rest.is("set schema") { vec![rest] } else { rest.split_commas() };
    let mut effects = Vec::new();
    for action in actions {
        let found = judge_action(action, &mut table);
        effects.extend(found.into_iter().map(|effect| effect.or_on(&table.name)));
    }
    effects
}

impl StatementEffect {
    fn or_on(self, table: &ObjectName) -> StatementEffect {
        if self.target.is_some() { self } else { self.on(table) }
    }
}

/// An action that is not known, and therefore not taken for safe.
pub fn unknown(what: &str, rest: &TokenCursor<'_>) -> StatementEffect {
    let part = rest.excerpt(60);
    StatementEffect::mistake("not-recognised")
        .because(format!("{what} with \"{part}\" is not known here, so its locks cannot be judged"))
        .instead("check the statement, and look its lock up in the manual of PostgreSQL")
}

fn judge_action(mut action: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> Vec<StatementEffect> {
    let start = action;
    if action.eat("add") {
        if let Some(effects) = table_constraint::judge_add(action, table) {
            return effects;
        }
        action.eat("column");
        action.eat("if not exists");
        return add_column(action, table).unwrap_or_else(|| vec![unknown("ALTER TABLE … ADD", &action)]);
    }
    if action.eat("drop") {
        return vec![drop_action(action)];
    }
    if action.eat("alter constraint") {
        return vec![StatementEffect::fine(LockMode::AccessExclusive)];
    }
    if action.eat("alter") {
        action.eat("column");
        let Some(column) = action.eat_identifier() else { return vec![unknown("ALTER TABLE … ALTER", &action)] };
        return vec![alter_column(action, &column, table)];
    }
    if action.eat("rename") {
        return vec![rename(action, table)];
    }
    if action.eat("validate constraint") {
        return vec![table_constraint::judge_validate(action, table)];
    }
    if action.is("set schema") {
        return vec![set_schema(action, table)];
    }
    vec![storage(action).or_else(|| other(action)).unwrap_or_else(|| unknown("ALTER TABLE", &start))]
}

fn add_column(rest: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> Option<Vec<StatementEffect>> {
    let column = column::definition(rest)?;
    let known = table.objects.table_or_existing(&table.name);
    known.columns.insert(column.name.clone(), column.data_type.clone());
    let mut effects = Vec::new();
    let name = quoted(&column.name);
    let fill = format!(
        "ADD COLUMN {name} without it, give it a default with ALTER COLUMN for new rows, and fill the old rows in \
         batches of a few thousand"
    );
    let volatile = column.default.as_ref().and_then(volatile_call);
    if let Some(function) = volatile {
        effects.push(
            StatementEffect::rewrite("volatile-default")
                .because(format!(
                    "{function}() may return another value for each row, so that every row is written again"
                ))
                .instead(fill),
        );
    } else if column.generated == Generated::Stored {
        effects.push(
            StatementEffect::rewrite("generated-column")
                .because("the value of a stored generated column is computed for every row")
                .instead("add an ordinary column that a trigger fills, and fill the old rows in batches"),
        );
    } else if column.generated == Generated::Identity || column.data_type.is_serial() {
        effects.push(
            StatementEffect::rewrite("serial-column")
                .because("every row gets a number from a sequence, so that every row is written again")
                .instead(fill),
        );
    } else if (column.is_not_null || column.is_primary) && column.default.is_none() {
        effects.push(
            StatementEffect::hazard("required-column", LockMode::AccessExclusive)
                .because("NOT NULL without a default fails if the table has a row, and old programs can insert none")
                .instead(format!("give {name} a constant DEFAULT, or add it nullable and set NOT NULL later")),
        );
    }
    if column.is_unique || column.is_primary {
        effects.push(table_constraint::index_under_lock(&name, column.is_primary));
    }
    if column.has_check {
        effects.push(table_constraint::check_under_lock());
    }
    let mut fine = StatementEffect::fine(LockMode::AccessExclusive);
    if let Some(referred) = column.references {
        if column.default.is_some() {
            let mut effect = table_constraint::foreign_key_under_lock(&referred);
            effect.lock = LockMode::AccessExclusive;
            effects.push(effect);
        }
        fine.other = Some((referred, LockMode::ShareRowExclusive));
    }
    if effects.is_empty() {
        effects.push(fine);
    }
    Some(effects)
}

fn drop_action(mut rest: TokenCursor<'_>) -> StatementEffect {
    if rest.eat("constraint") {
        return StatementEffect::fine(LockMode::AccessExclusive);
    }
    rest.eat("column");
    rest.eat("if exists");
    let column = quoted(&rest.eat_identifier().unwrap_or_default());
    StatementEffect::hazard("drop-column", LockMode::AccessExclusive)
        .because(format!("programs that still name {column} fail from this moment on, and its values are lost"))
        .instead("first deploy programs that do not name it; drop it in a later release")
}

fn alter_column(mut rest: TokenCursor<'_>, column: &str, table: &mut AlteredTable<'_>) -> StatementEffect {
    if rest.eat_any(&["type", "set data type"]) {
        return alter_type(rest, column, table);
    }
    if rest.eat("set not null") {
        return set_not_null(column, table);
    }
    if rest.eat("set expression") {
        return StatementEffect::rewrite("generated-column")
            .because("the value of a stored generated column is computed for every row")
            .instead("add a new column, fill it in batches, and use it instead");
    }
    if rest.is_any(&["set statistics", "set (", "reset"]) {
        return StatementEffect::fine(LockMode::ShareUpdateExclusive);
    }
    if rest.is("set storage") {
        return StatementEffect::fine(LockMode::AccessExclusive);
    }
    let known = [
        "drop not null",
        "set default",
        "drop default",
        "drop expression",
        "drop identity",
        "add generated",
        "set generated",
        "restart",
        "set compression",
        "set cache",
        "set increment",
        "set start",
        "set minvalue",
        "set maxvalue",
        "set no",
        "set cycle",
    ];
    if rest.is_any(&known) {
        return StatementEffect::fine(LockMode::AccessExclusive);
    }
    unknown("ALTER COLUMN", &rest)
}

fn alter_type(mut rest: TokenCursor<'_>, column: &str, table: &mut AlteredTable<'_>) -> StatementEffect {
    let new = TypeName::eat(&mut rest);
    let using = rest.find("using").map(|mut using| {
        using.skip(1);
        using
    });
    let is_plain = using.is_none_or(|mut using| {
        using.eat_identifier().is_some_and(|name| name == column) && (using.is_at_end() || using.is(": :"))
    });
    let known = table.objects.table_or_existing(&table.name);
    let old = known.columns.insert(column.to_owned(), new.clone());
    let column = quoted(column);
    let instead = format!(
        "add a new column of the type, write both from a trigger, fill the old rows in batches, and then let the \
         programs use it instead of {column}"
    );
    let change = if is_plain { types::change(old.as_ref(), &new) } else { TypeChange::Rewrites };
    match change {
        TypeChange::KeepsRows => StatementEffect::fine(LockMode::AccessExclusive),
        TypeChange::Rewrites => StatementEffect::rewrite("column-type")
            .because(format!("the values of {column} are converted, so that every row and index is written again"))
            .instead(instead),
        TypeChange::Unknown => StatementEffect::rewrite("column-type")
            .because(format!(
                "every row is written again, unless {column} is a varchar, text or numeric that this widens: the \
                 present type is not in this file"
            ))
            .instead(format!("nothing, if it only widens; otherwise {instead}")),
    }
}

fn set_not_null(column: &str, table: &mut AlteredTable<'_>) -> StatementEffect {
    if is_not_null_checked(table, column) {
        return StatementEffect::fine(LockMode::AccessExclusive);
    }
    let name = quoted(column);
    StatementEffect::new("set-not-null", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
        .because(format!("every row is read to see whether {name} is null, and readers and writers wait meanwhile"))
        .instead(format!(
            "ADD CONSTRAINT … CHECK ({name} IS NOT NULL) NOT VALID; COMMIT; VALIDATE CONSTRAINT …; then SET NOT NULL, \
             which reads nothing, and drop the check"
        ))
}

fn rename(mut rest: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> StatementEffect {
    if rest.eat("constraint") {
        return StatementEffect::fine(LockMode::AccessExclusive);
    }
    if rest.eat("to") {
        if let Some(name) = rest.eat_identifier() {
            let new = ObjectName { schema: table.name.schema.clone(), name };
            move_to(table, new);
        }
        return StatementEffect::hazard("rename-table", LockMode::AccessExclusive)
            .because("programs that use the old name fail from this moment on")
            .instead("create a view of the old name in the same transaction, and drop it when no program uses it");
    }
    StatementEffect::hazard("rename-column", LockMode::AccessExclusive)
        .because("programs that use the old name fail from this moment on")
        .instead("add a column of the new name, write both from a trigger, and drop the old one in a later release")
}

fn set_schema(mut rest: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> StatementEffect {
    rest.skip(2);
    if let Some(schema) = rest.eat_identifier() {
        move_to(table, ObjectName { schema: Some(schema), name: table.name.name.clone() });
    }
    StatementEffect::hazard("set-schema", LockMode::AccessExclusive)
        .because("programs that find the table by its old schema fail from this moment on")
        .instead("let search_path contain both schemas, or create a view of the old name in the same transaction")
}

/// Follows a new name of a table. An existing one is reported under its old name.
fn move_to(table: &mut AlteredTable<'_>, new: ObjectName) {
    let age = table.objects.age(&table.name);
    table.objects.rename(&table.name, new.clone());
    if age != Age::Existing {
        table.name = new;
    }
}

/// Judges actions that change how a table is stored.
fn storage(mut rest: TokenCursor<'_>) -> Option<StatementEffect> {
    let copies = [
        ("set tablespace", "move-tablespace", "the table is copied into the other tablespace"),
        ("set logged", "set-logged", "the table is written again, and into the log"),
        ("set unlogged", "set-logged", "the table is written again; after a crash it is empty"),
        ("set access method", "access-method", "the table is written again by the other access method"),
    ];
    for (words, rule, why) in copies {
        if rest.eat(words) {
            return Some(
                StatementEffect::rewrite(rule)
                    .because(why)
                    .instead("create a second table so, copy the rows in batches, and exchange the names"),
            );
        }
    }
    rest.is_any(&["set (", "reset (", "cluster on", "set without cluster"])
        .then(|| StatementEffect::fine(LockMode::ShareUpdateExclusive))
        .or_else(|| rest.is_any(&["set without oids"]).then(|| StatementEffect::fine(LockMode::AccessExclusive)))
}

/// Judges actions on triggers, partitions, inheritance and row security.
fn other(mut rest: TokenCursor<'_>) -> Option<StatementEffect> {
    if rest.is("disable trigger") {
        return Some(
            StatementEffect::hazard("disable-trigger", LockMode::ShareRowExclusive)
                .because("what the triggers and foreign keys check is not checked for rows that others write meanwhile")
                .instead("SET LOCAL session_replication_role = replica, in the session that needs it"),
        );
    }
    if rest.is_any(&["enable trigger", "enable always trigger", "enable replica trigger"]) {
        return Some(StatementEffect::fine(LockMode::ShareRowExclusive));
    }
    if rest.is("enable row level security") || rest.is("force row level security") {
        return Some(
            StatementEffect::hazard("row-security", LockMode::AccessExclusive)
                .because("users for whom no policy exists see no row from this moment on")
                .instead("create the policies before it, in the same transaction"),
        );
    }
    if rest.eat("attach partition") {
        let partition = rest.eat_name()?;
        return Some(
            StatementEffect::new("attach-partition", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
                .on(&partition)
                .because("every row of the partition, and of the default partition, is read under the lock")
                .instead("add and validate a CHECK with the bounds of the partition before it: then no row is read"),
        );
    }
    if rest.eat("detach partition") {
        rest.eat_name()?;
        if rest.is_any(&["concurrently", "finalize"]) {
            return Some(StatementEffect::fine(LockMode::ShareUpdateExclusive));
        }
        return Some(
            StatementEffect::new("detach-partition", Risk::Blocks, LockMode::AccessExclusive, Duration::Metadata)
                .because("readers and writers of the whole partitioned table wait until the transaction ends")
                .instead("DETACH PARTITION … CONCURRENTLY"),
        );
    }
    let fine = [
        "enable rule",
        "disable rule",
        "enable replica rule",
        "enable always rule",
        "disable row level security",
        "no force row level security",
        "inherit",
        "no inherit",
        "of",
        "not of",
        "owner to",
        "replica identity",
        "options",
    ];
    rest.is_any(&fine).then(|| StatementEffect::fine(LockMode::AccessExclusive))
}
