//! Approves instructors in Administrate before the import writes anything: one request for each course template.
//!
//! A request replaces the whole list of a template, so it includes the instructors who are approved already. If
//! Administrate refuses a list, each instructor is tried alone: one refusal does not block the others. If the outcome of
//! a request is unknown, the list is read before the request is repeated.

use std::collections::{BTreeSet, HashMap};

use administrate::{Client, Id};

use super::plan::ApprovalRequest;
use super::plan::remote_state::RemoteState;
use crate::error::Result;

/// Maximum number of requests for one list while the outcome is unknown.
const MAX_ATTEMPTS: u32 = 3;

/// Reasons why Administrate does not approve, by its ids of template and contact.
pub type ApprovalErrors = HashMap<(String, String), String>;

/// Approves instructors and returns the approvals that Administrate refuses. `approvals` is sorted by template.
///
/// # Errors
/// Administrate cannot be reached. Approvals that were set before remain; to set them again has no effect.
pub async fn approve(
    client: &Client,
    remote_state: &RemoteState,
    approvals: &[ApprovalRequest],
) -> Result<ApprovalErrors> {
    let mut errors = ApprovalErrors::new();
    for requested in approvals.chunk_by(|one, next| one.template == next.template) {
        let [first, ..] = requested else { continue };
        let approved = remote_state.approved.get(&first.template).into_iter().flatten();
        let mut list: BTreeSet<&str> = approved.map(String::as_str).collect();
        let combined: BTreeSet<&str> = list.iter().copied().chain(requested.iter().map(contact)).collect();
        let refusal = set_approvals(client, &first.template, &combined).await?;
        let Some(reason) = refusal else { continue };
        for approval in requested {
            let refusal = match requested {
                [_] => Some(reason.clone()),
                _ => {
                    let with_one = list.iter().copied().chain([contact(approval)]).collect();
                    set_approvals(client, &first.template, &with_one).await?
                }
            };
            match refusal {
                Some(reason) => drop(errors.insert((approval.template.clone(), approval.contact.clone()), reason)),
                None => drop(list.insert(contact(approval))),
            }
        }
    }
    Ok(errors)
}

fn contact(approval: &ApprovalRequest) -> &str {
    &approval.contact
}

/// Replaces the approved instructors of a template. Returns the message of Administrate if it refuses.
async fn set_approvals(client: &Client, template: &str, list: &BTreeSet<&str>) -> Result<Option<String>> {
    let template = Id::new(template);
    let contacts: Vec<Id> = list.iter().map(|contact| Id::new(*contact)).collect();
    let mut attempts = 1;
    loop {
        let error = match client.approve_instructors(&template, &contacts).await {
            Ok(written) if written.unsupported_fields.is_empty() => return Ok(None),
            Ok(_) => return Ok(Some("this Administrate does not accept approvals through its API: approve the instructor manually in Administrate".to_owned())),
            Err(error) => error,
        };
        if error.is_in_doubt() && has_approvals(client, &template, &contacts).await? {
            return Ok(None);
        }
        if !error.is_in_doubt() || attempts == MAX_ATTEMPTS {
            return if error.is_outage() { Err(error.into()) } else { Ok(Some(error.to_string())) };
        }
        attempts += 1;
    }
}

/// Reports whether all contacts are approved for a template in Administrate.
async fn has_approvals(client: &Client, template: &Id, contacts: &[Id]) -> Result<bool> {
    let approved = client.approved_instructors(std::slice::from_ref(template)).await?;
    let approved = approved.get(template).map_or(&[][..], Vec::as_slice);
    Ok(contacts.iter().all(|contact| approved.contains(contact)))
}
