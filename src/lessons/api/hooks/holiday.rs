//! Holidays: of everyone, or of one tutor.

use std::future::ready;

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use crate::error::Result;
use crate::resources::problems::Problems;
use crate::resources::{ResourceHooks, RowDraft, WriteRequest};

/// Holidays. Without a scope, a tutor says it.
pub struct HolidayHooks;

impl ResourceHooks for HolidayHooks {
    fn before<'a>(
        &'a self,
        _: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        for draft in drafts {
            let has_tutor = !draft.value("tutor_id").is_null();
            if draft.value("scope").is_null() {
                let scope = if has_tutor { "tutor" } else { "all" };
                draft.values.insert("scope".to_owned(), scope.into());
            }
            let pointer = draft.pointer_of("tutor_id");
            match (draft.value("scope").as_str(), has_tutor) {
                (Some("tutor"), false) => {
                    problems.violated(pointer, "missing_value", "must name the tutor whose holiday it is");
                }
                (Some("all"), true) => {
                    problems.violated(pointer, "conflicting_value", "must be null for a holiday of everyone");
                }
                _ => {}
            }
        }
        Box::pin(ready(Ok(())))
    }
}
