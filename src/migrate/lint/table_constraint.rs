//! Judges constraints that are added to a table. Pure.

use super::alter_table::AlteredTable;
use super::cursor::{ObjectName, TokenCursor};
use super::finding::{Duration, LockMode, Risk, StatementEffect};

/// Judges `ADD` of a constraint; none if it adds a column.
pub fn judge_add(mut rest: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> Option<Vec<StatementEffect>> {
    let name = if rest.eat("constraint") { rest.eat_identifier()? } else { String::new() };
    let is_deferred = rest.contains("not valid");
    if rest.eat("check") {
        let condition = rest.eat_parentheses();
        if is_deferred {
            table.session.add_constraint(table.objects, &table.name, &name);
        }
        if let Some(column) = condition.and_then(not_null_column) {
            let known = table.objects.table_or_existing(&table.name);
            known.not_null_checks.push((name, column, !is_deferred));
        }
        return Some(vec![if is_deferred {
            StatementEffect::fine(LockMode::AccessExclusive)
        } else {
            check_under_lock()
        }]);
    }
    if rest.is("not null") && !name.is_empty() {
        return Some(vec![if is_deferred {
            StatementEffect::fine(LockMode::AccessExclusive)
        } else {
            check_under_lock()
        }]);
    }
    if rest.eat("foreign key") {
        let referred = rest.find("references").and_then(|mut at| {
            at.skip(1);
            at.eat_name()
        });
        let referred = referred.unwrap_or_default();
        if is_deferred {
            table.session.add_constraint(table.objects, &table.name, &name);
            let mut fine = StatementEffect::fine(LockMode::ShareRowExclusive);
            fine.other = Some((referred, LockMode::ShareRowExclusive));
            return Some(vec![fine]);
        }
        return Some(vec![foreign_key_under_lock(&referred)]);
    }
    let is_primary = rest.is("primary key");
    if is_primary || rest.is_any(&["unique (", "unique nulls", "unique using"]) {
        if !rest.contains("using index") || rest.contains("using index tablespace") {
            return Some(vec![index_under_lock("the columns", is_primary)]);
        }
        return Some(vec![if is_primary {
            primary_key_using_index()
        } else {
            StatementEffect::fine(LockMode::AccessExclusive)
        }]);
    }
    rest.is("exclude").then(|| {
        vec![
            StatementEffect::new("exclusion-constraint", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
                .because("its index is built under the lock, and there is no way to build it before")
                .instead("check the rule with a trigger, or build a second table with the constraint"),
        ]
    })
}

fn primary_key_using_index() -> StatementEffect {
    StatementEffect::new("primary-key", Risk::Note, LockMode::AccessExclusive, Duration::Metadata)
        .because("a column of the index that is not NOT NULL yet becomes so, and every row is read for that")
        .instead("set the columns NOT NULL before it, by a validated CHECK")
}

/// A rule that every row is checked for while the table is locked.
pub fn check_under_lock() -> StatementEffect {
    StatementEffect::new("check-constraint", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
        .because("every row is checked, and readers and writers wait meanwhile")
        .instead("ADD CONSTRAINT … NOT VALID; COMMIT; then VALIDATE CONSTRAINT …, which lets others read and write")
}

/// A foreign key that every row is checked for.
pub fn foreign_key_under_lock(referred: &ObjectName) -> StatementEffect {
    let mut effect = StatementEffect::new("foreign-key", Risk::Blocks, LockMode::ShareRowExclusive, Duration::Scan)
        .because(format!("every row is checked, and writers of this table and of {referred} wait meanwhile"))
        .instead("ADD CONSTRAINT … NOT VALID; COMMIT; then VALIDATE CONSTRAINT …, which lets others write");
    effect.other = Some((referred.clone(), LockMode::ShareRowExclusive));
    effect
}

/// A unique index that is built while the table is locked.
pub fn index_under_lock(columns: &str, is_primary: bool) -> StatementEffect {
    let rule = if is_primary { "PRIMARY KEY" } else { "UNIQUE" };
    StatementEffect::new("unique-constraint", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
        .because(format!("the index of {columns} is built under the lock, and readers and writers wait meanwhile"))
        .instead(format!(
            "CREATE UNIQUE INDEX CONCURRENTLY i ON …, outside a transaction; then ADD CONSTRAINT … {rule} USING INDEX i"
        ))
}

/// Judges `VALIDATE CONSTRAINT`.
pub fn judge_validate(mut rest: TokenCursor<'_>, table: &mut AlteredTable<'_>) -> StatementEffect {
    let Some(name) = rest.eat_identifier() else { return super::alter_table::unknown("VALIDATE CONSTRAINT", &rest) };
    let known = table.objects.table_or_existing(&table.name);
    for check in known.not_null_checks.iter_mut().filter(|check| check.0 == name) {
        check.2 = true;
    }
    if known.added_now.contains(&name) {
        return StatementEffect::new(
            "validate-in-transaction",
            Risk::Blocks,
            LockMode::AccessExclusive,
            Duration::Scan,
        )
        .because("the transaction still has the lock with which it added the constraint while every row is checked")
        .instead("COMMIT between ADD CONSTRAINT … NOT VALID and VALIDATE CONSTRAINT");
    }
    StatementEffect::new("fine", Risk::Fine, LockMode::ShareUpdateExclusive, Duration::Scan)
}

/// Returns the column of the condition `column IS NOT NULL`.
fn not_null_column(condition: TokenCursor<'_>) -> Option<String> {
    let mut rest = condition;
    while let Some(inner) = rest.eat_parentheses().filter(|_| rest.is_at_end()) {
        rest = inner;
    }
    let mut rest = if rest.is_at_end() { condition } else { rest };
    let column = rest.eat_identifier()?;
    (rest.eat("is not null") && rest.is_at_end()).then_some(column)
}

/// Reports whether a validated check says already that a column is not null.
pub fn is_not_null_checked(table: &AlteredTable<'_>, column: &str) -> bool {
    let known = table.objects.table(&table.name);
    known.is_some_and(|known| known.not_null_checks.iter().any(|check| check.1 == column && check.2))
}
