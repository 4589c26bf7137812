//! Instructors and staff: writing one writes its user. A new user cannot sign in.

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::reference::deliver_events_of;
use crate::error::Result;
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, RowDraft, WriteRequest};
use crate::tutorials::api::store::people::{self as store, NewUser, UserChange};

/// The most characters of a generated login name.
const MAX_USERNAME_CHARS: usize = 100;

/// Instructors. A new one gets a staff record and a user, unless it names its staff record.
pub struct TeacherHooks;

impl ResourceHooks for TeacherHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let new = without(drafts, "staff_id", problems);
            if new.is_empty() || !problems.is_empty() {
                return Ok(());
            }
            let users = create_users(db, drafts, &new).await?;
            let staff = store::create_staff(db, &users).await?;
            set(drafts, &new, "staff_id", &staff);
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
            let staff: Vec<i64> = drafts.iter().filter_map(|draft| draft.value("staff_id").as_i64()).collect();
            let users = store::users_of(db, &staff).await?;
            change_users(db, drafts, |draft| {
                let staff = draft.value("staff_id").as_i64()?;
                users.iter().find(|(id, _)| *id == staff).map(|(_, user)| *user)
            })
            .await
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
            deliver_events_of(db, "acted.tutorial_instructors", document).await?;
            Ok(Deletion::Now)
        })
    }
}

/// Staff. A new one gets a user, unless it names one.
pub struct StaffHooks;

impl ResourceHooks for StaffHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let new = without(drafts, "user_id", problems);
            if new.is_empty() || !problems.is_empty() {
                return Ok(());
            }
            let users = create_users(db, drafts, &new).await?;
            set(drafts, &new, "user_id", &users);
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
        Box::pin(change_users(db, drafts, |draft| draft.value("user_id").as_i64()))
    }
}

/// Returns the places of drafts that need a new user: new rows, and rows without user that get a name or an address.
///
/// Adds a problem to those without a name.
fn without(drafts: &mut [RowDraft], reference: &str, problems: &mut Problems) -> Vec<usize> {
    let mut found = Vec::new();
    for (place, draft) in drafts.iter_mut().enumerate() {
        if draft.values.get(reference).is_some_and(Value::is_null) && !draft.current[reference].is_null() {
            problems.violated(draft.pointer_of(reference), "invalid_value", "must not be null: it names the person");
            continue;
        }
        let is_named = |field: &str| draft.value(field).as_str().is_some_and(|text| !text.is_empty());
        let is_person_given =
            ["first_name", "last_name", "email"].iter().any(|field| draft.values.contains_key(*field));
        match draft.value(reference).is_null() {
            true if is_named("first_name") || is_named("last_name") => found.push(place),
            true if draft.current.is_null() || is_person_given => {
                let message = format!("the field is missing: give a name, or {reference}");
                problems.malformed(draft.pointer_of("first_name"), "missing_value", message);
            }
            _ => {}
        }
    }
    found
}

async fn create_users(db: &mut PgConnection, drafts: &[RowDraft], places: &[usize]) -> Result<Vec<i64>> {
    let user = |place: &usize| {
        let text = |field: &str| drafts[*place].value(field).as_str().unwrap_or_default().to_owned();
        let (first_name, last_name) = (text("first_name"), text("last_name"));
        NewUser { username: username(&first_name, &last_name), first_name, last_name, email: text("email") }
    };
    store::create_users(db, &places.iter().map(user).collect::<Vec<_>>()).await
}

/// Returns a login name from the letters and digits of a name.
fn username(first_name: &str, last_name: &str) -> String {
    let word = |name: &str| name.to_lowercase().chars().filter(|one| one.is_alphanumeric()).collect::<String>();
    let words: Vec<String> = [word(first_name), word(last_name)].into_iter().filter(|word| !word.is_empty()).collect();
    let name: String = words.join(".").chars().take(MAX_USERNAME_CHARS).collect();
    if name.is_empty() { "instructor".to_owned() } else { name }
}

fn set(drafts: &mut [RowDraft], places: &[usize], field: &str, ids: &[i64]) {
    for (place, id) in places.iter().zip(ids) {
        drafts[*place].values.insert(field.to_owned(), (*id).into());
    }
}

/// Writes names and addresses that the body gives to the user of each row.
async fn change_users(
    db: &mut PgConnection,
    drafts: &[RowDraft],
    user_of: impl Fn(&RowDraft) -> Option<i64>,
) -> Result<()> {
    let change = |draft: &RowDraft| {
        let text = |field: &str| {
            let value = draft.values.get(field).filter(|_| draft.given.contains(field) || !draft.current.is_null())?;
            Some(value.as_str().unwrap_or_default().to_owned())
        };
        let id = user_of(draft)?;
        let (first_name, last_name, email) = (text("first_name"), text("last_name"), text("email"));
        let is_given = first_name.is_some() || last_name.is_some() || email.is_some();
        is_given.then_some(UserChange { id, first_name, last_name, email })
    };
    let changes: Vec<UserChange> = drafts.iter().filter_map(change).collect();
    if changes.is_empty() { Ok(()) } else { store::change_users(db, &changes).await }
}
