//! Enrolments: one for each tutor, student and package.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::people::store::enrolments as store;
use crate::resources::problems::Problems;
use crate::resources::{ResourceHooks, RowDraft, WriteRequest};

/// Enrolments of students with tutors.
pub struct EnrolmentHooks;

impl ResourceHooks for EnrolmentHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts.iter_mut().filter(|draft| draft.value("enrolled_at").is_null()) {
                draft.values.insert("enrolled_at".to_owned(), Timestamp::now().to_string().into());
            }
            check_packages(db, drafts, problems).await?;
            // Two requests at the same time cannot both find that there is no such enrolment.
            store::lock(db).await?;
            check_unique(db, drafts, problems).await
        })
    }
}

async fn check_packages(db: &mut PgConnection, drafts: &[RowDraft], problems: &mut Problems) -> Result<()> {
    let is_required = store::is_package_required(db).await?;
    let ids: Vec<i64> = drafts.iter().filter_map(|draft| draft.value("package_id").as_i64()).collect();
    let unknown = store::unknown_packages(db, &ids).await?;
    for draft in drafts.iter().filter(|draft| draft.changes("package_id")) {
        let package = draft.value("package_id");
        let pointer = draft.pointer_of("package_id");
        if package.is_null() && is_required {
            problems.malformed(pointer, "missing_value", "must be given: the database requires a package");
        } else if package.as_i64().is_some_and(|id| unknown.contains(&id)) {
            problems.violated(pointer, "unknown_reference", format!("there is no row {package} in tutor packages"));
        }
    }
    Ok(())
}

async fn check_unique(db: &mut PgConnection, drafts: &[RowDraft], problems: &mut Problems) -> Result<()> {
    let key = |draft: &RowDraft| ["tutor_id", "student_id", "package_id"].map(|field| draft.value(field).as_i64());
    let mut seen: Vec<[Option<i64>; 3]> = Vec::new();
    for draft in drafts {
        let is_changed = ["tutor_id", "student_id", "package_id"].iter().any(|field| draft.changes(field));
        let key = key(draft);
        if is_changed && (seen.contains(&key) || store::exists(db, key, draft.id).await?) {
            let field = if *draft.value("package_id") == Value::Null { "student_id" } else { "package_id" };
            let message = "another enrolment has this tutor, student and package already";
            problems.taken(draft.pointer_of(field), message);
        }
        seen.push(key);
    }
    Ok(())
}
