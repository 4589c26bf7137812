//! Tutors, students and parents: writing one writes its user and both sides of a family.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::people::store::families;
use crate::people::store::users::{self, PersonValues};
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, RowDraft, WriteRequest};

/// What a profile makes of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonKind {
    Tutor,
    Student,
    Parent,
}

impl PersonKind {
    fn word(self) -> &'static str {
        match self {
            Self::Tutor => "tutor",
            Self::Student => "student",
            Self::Parent => "parent",
        }
    }

    /// Returns the field with the other side of the family.
    fn family_field(self) -> Option<&'static str> {
        match self {
            Self::Tutor => None,
            Self::Student => Some("parent_ids"),
            Self::Parent => Some("children_ids"),
        }
    }
}

/// Profiles of one kind. A new one gets a user, unless it names one.
pub struct PersonHooks {
    pub kind: PersonKind,
}

impl ResourceHooks for PersonHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let new = without_user(drafts, problems);
            check_addresses(db, drafts, &new, problems).await?;
            if new.is_empty() || !problems.is_empty() {
                return Ok(());
            }
            let people: Vec<PersonValues> = new.iter().map(|place| values_of(&drafts[*place], 0)).collect();
            let created = users::create(db, self.kind.word(), &people).await?;
            for (place, user) in new.iter().zip(created) {
                drafts[*place].values.insert("user_id".to_owned(), user.into());
            }
            Ok(())
        })
    }

    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let changed = drafts.iter().filter_map(|draft| Some(values_of(draft, draft.value("user_id").as_i64()?)));
            users::change(db, &changed.collect::<Vec<_>>()).await?;
            let Some(field) = self.kind.family_field() else { return Ok(()) };
            for draft in drafts.iter().filter(|draft| draft.values.contains_key(field)) {
                let (Some(id), Some(others)) = (draft.id, draft.value(field).as_array()) else { continue };
                let mut others: Vec<i64> = others.iter().filter_map(Value::as_i64).collect();
                others.sort_unstable();
                set_family(db, self.kind, id, &others).await?;
            }
            Ok(())
        })
    }

    fn before_deletion<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        document: &'a Value,
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(async move {
            let id = document["id"].as_i64().unwrap_or_default();
            set_family(db, self.kind, id, &[]).await?;
            families::delete_details(db, self.kind.word(), id).await?;
            Ok(Deletion::Now)
        })
    }
}

async fn set_family(db: &mut PgConnection, kind: PersonKind, id: i64, others: &[i64]) -> Result<()> {
    families::lock(db).await?;
    match kind {
        PersonKind::Tutor => Ok(()),
        PersonKind::Student => families::set_parents(db, id, others).await,
        PersonKind::Parent => families::set_children(db, id, others).await,
    }
}

/// Returns the places of drafts that need a new user: new rows, and rows without user that get a name or an address.
///
/// Adds a problem to those without a name.
fn without_user(drafts: &[RowDraft], problems: &mut Problems) -> Vec<usize> {
    const GIVEN: [&str; 5] = ["first_name", "father_name", "last_name", "email", "phone"];
    let mut found = Vec::new();
    for (place, draft) in drafts.iter().enumerate() {
        if draft.values.get("user_id").is_some_and(Value::is_null) && !draft.current["user_id"].is_null() {
            problems.violated(draft.pointer_of("user_id"), "invalid_value", "must not be null: it names the person");
            continue;
        }
        let is_named = |field: &&str| draft.value(field).as_str().is_some_and(|text| !text.is_empty());
        let is_person_given = GIVEN.iter().any(|field| draft.values.contains_key(*field));
        match draft.value("user_id").is_null() {
            true if GIVEN[..3].iter().any(is_named) => found.push(place),
            true if draft.current.is_null() || is_person_given => {
                let message = "the field is missing: give a name, or user_id";
                problems.malformed(draft.pointer_of("first_name"), "missing_value", message);
            }
            _ => {}
        }
    }
    found
}

/// Adds the addresses that another person has already, regardless of case, and those that are missing.
async fn check_addresses(
    db: &mut PgConnection,
    drafts: &[RowDraft],
    new: &[usize],
    problems: &mut Problems,
) -> Result<()> {
    let lower = |draft: &RowDraft| draft.value("email").as_str().map(str::to_lowercase);
    let written: Vec<(usize, &RowDraft)> =
        drafts.iter().enumerate().filter(|(_, draft)| is_given(draft, "email") && draft.changes("email")).collect();
    let addresses: Vec<String> = written.iter().filter_map(|(_, draft)| lower(draft)).collect();
    let mut owners: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
    if !addresses.is_empty() {
        users::lock_addresses(db).await?;
        for (id, address) in users::users_with(db, &addresses).await? {
            owners.entry(address).or_default().push(Some(id));
        }
    }
    let is_required = users::is_email_required(db).await?;
    for (place, draft) in drafts.iter().enumerate() {
        let is_written = written.iter().any(|(of, _)| *of == place);
        let pointer = draft.pointer_of("email");
        let Some(address) = lower(draft) else {
            if is_required && (is_written || new.contains(&place)) {
                problems.malformed(pointer, "missing_value", "must be given: the database requires an e-mail address");
            }
            continue;
        };
        if !is_written {
            continue;
        }
        let user = draft.value("user_id").as_i64();
        let known = owners.entry(address).or_default();
        match known.iter().find(|owner| user.is_none() || **owner != user) {
            Some(Some(other)) => {
                let message =
                    format!("another person has this e-mail address already: give user_id {other} for that person");
                problems.taken(pointer, message);
            }
            Some(None) => problems.taken(pointer, "another record of this request has this e-mail address already"),
            None => known.push(user),
        }
    }
    Ok(())
}

/// Reports whether the body says a value, or the row is replaced.
fn is_given(draft: &RowDraft, field: &str) -> bool {
    draft.values.contains_key(field) && (draft.given.contains(field) || !draft.current.is_null())
}

/// Returns what the body says of the user.
fn values_of(draft: &RowDraft, id: i64) -> PersonValues {
    let given = |field: &str| draft.values.get(field).filter(|_| is_given(draft, field));
    let name = |field: &str| Some(given(field)?.as_str().unwrap_or_default().to_owned());
    let address = |field: &str| Some(given(field)?.as_str().map(str::to_owned));
    PersonValues {
        id,
        first_name: name("first_name"),
        father_name: name("father_name"),
        last_name: name("last_name"),
        email: address("email"),
        phone: address("phone"),
    }
}
