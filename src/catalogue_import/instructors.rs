//! Instructors: their names and e-mail addresses are those of accounts.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::apply::{Applier, RowResult};
use super::known::NamedIds;
use super::plan::{PlannedRow, RowOutcome};
use super::read::GivenRow;
use super::sheets::SheetKind;
use super::store::{self, Account};
use crate::error::Result;
use crate::names::fold;
use crate::resources::rows;
use crate::tutorials::reference::store as people;
use crate::tutorials::reference::{CreatedTable, Instructor};
use crate::workbook::problems::{Code, Issue};

/// Maximum length of a login name, in characters.
const MAX_USERNAME: usize = 150;

/// The accounts that an instructor may have.
pub(super) struct KnownPeople {
    /// Accounts by folded e-mail address.
    by_email: HashMap<String, Account>,
    /// Accounts of staff by folded name.
    staff: HashMap<String, Vec<Account>>,
    usernames: std::collections::HashSet<String>,
}

impl KnownPeople {
    /// Reads all accounts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn load(db: &mut PgConnection) -> Result<Self> {
        let mut known = KnownPeople {
            by_email: HashMap::new(),
            staff: HashMap::new(),
            usernames: std::collections::HashSet::new(),
        };
        for account in store::accounts(db).await? {
            known.usernames.insert(account.username.clone());
            if account.is_staff {
                known.staff.entry(fold(&account.name)).or_default().push(account.clone());
            }
            if !account.email.is_empty() {
                known.by_email.entry(fold(&account.email)).or_insert(account);
            }
        }
        Ok(known)
    }

    /// Returns the login name of a new instructor: that of the member of staff with the name, else a new one.
    fn username_for(&self, name: &str, email: &str) -> String {
        let of_email = self.by_email.get(&fold(email)).filter(|account| fold(&account.name) == fold(name));
        let of_name = self.staff.get(&fold(name)).and_then(|accounts| match accounts.as_slice() {
            [account] => Some(account),
            _ => None,
        });
        if let Some(account) = of_email.or(of_name) {
            return account.username.clone();
        }
        let base: String =
            format!("instructor-{}", fold(name).replace(' ', ".")).chars().take(MAX_USERNAME - 8).collect();
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| !self.usernames.contains(name)).unwrap_or(base)
    }
}

impl Applier<'_> {
    /// Creates an instructor with an account and a member of staff, or changes one.
    pub(super) async fn write_instructor(
        &mut self,
        row: &GivenRow,
        document: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        let text = |field: &str| document.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let (first_name, last_name, email) = (text("first_name"), text("last_name"), text("email"));
        let name = format!("{first_name} {last_name}").trim().to_owned();
        let mut identity = document.clone();
        identity.entry("last_name").or_insert_with(|| "".into());
        if !matches!(self.known.find(SheetKind::Instructors, &Value::Object(identity)), NamedIds::None) {
            let mut identity = document;
            identity.entry("last_name").or_insert_with(|| "".into());
            return self.store(row, SheetKind::Instructors, identity).await;
        }
        let username = self.people.username_for(&name, &email);
        let person = Instructor { username: username.clone(), first_name, last_name, email: email.clone() };
        let mut created = people::add_instructors(self.db, &[person]).await?;
        let Some(instructor) = created.iter_mut().find(|row| row.table == CreatedTable::Instructors) else {
            let message = format!("the account {username} belongs to another instructor; change the name");
            return Ok(Err(vec![row.problem(Some("first_name"), Issue::new(Code::NotUnique, message))]));
        };
        let id = instructor.id;
        let Some(resource) = self.known.resource(SheetKind::Instructors) else { return Ok(Err(Vec::new())) };
        if let Some(Value::Bool(false)) = document.get("is_active") {
            instructor.values["is_active"] = false.into();
            let inactive = serde_json::json!({ "is_active": false });
            if let Err(refused) = rows::write(self.db, self.pool, resource, Some(id), &inactive).await? {
                return Ok(Err(super::refused::problems_of(row, &refused)));
            }
        }
        self.plan.journal.people.extend(created);
        self.people.usernames.insert(username.clone());
        if !email.is_empty() {
            let account = Account { username, name, email: email.clone(), is_staff: true };
            self.people.by_email.entry(fold(&email)).or_insert(account);
        }
        if let Some(created) = rows::one(self.db, resource, id).await? {
            self.known.insert(SheetKind::Instructors, created);
        }
        self.described.insert((SheetKind::Instructors, id), (row.number, Value::Object(document)));
        Ok(Ok(PlannedRow { outcome: RowOutcome::Created, ..PlannedRow::unchanged(row) }))
    }

    pub(super) fn email_problem(&self, email: &str, name: &str) -> Option<Issue> {
        let owner = self.people.by_email.get(&fold(email)).filter(|owner| fold(&owner.name) != fold(name))?;
        let owner = if owner.name.is_empty() { &owner.username } else { &owner.name };
        let message = format!("the account of {owner} has this address already; correct the name or the address");
        Some(Issue::new(Code::NotUnique, message))
    }
}
