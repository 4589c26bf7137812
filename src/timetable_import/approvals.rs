//! Approvals that an import gives before anything else: one request a template, which takes its whole list.
//!
//! Promises: who is approved already stays so; a list that Administrate refuses is tried person by person, so that one
//! of them keeps nobody else from being approved; an answer that never came is looked for before the write is repeated.

use std::collections::{BTreeSet, HashMap};

use administrate::{Client, Id};

use super::plan::ApprovalRequest;
use super::plan::remote_state::RemoteState;
use crate::error::Result;

/// How often a list is sent whose fate stays open.
const MAX_ATTEMPTS: u32 = 3;

/// Why Administrate does not approve, by its ids of template and contact.
pub type ApprovalErrors = HashMap<(String, String), String>;

/// Gives approvals, sorted by template; tells those that Administrate refuses.
///
/// # Errors
/// When Administrate cannot be reached; approvals given before stay, and giving them again does no harm.
pub async fn approve(client: &Client, facts: &RemoteState, approvals: &[ApprovalRequest]) -> Result<ApprovalErrors> {
    let mut denied = ApprovalErrors::new();
    for wanted in approvals.chunk_by(|one, next| one.template == next.template) {
        let [first, ..] = wanted else { continue };
        let known = facts.approved.get(&first.template).into_iter().flatten();
        let mut list: BTreeSet<&str> = known.map(String::as_str).collect();
        let whole: BTreeSet<&str> = list.iter().copied().chain(wanted.iter().map(contact)).collect();
        let refused = set_approvals(client, &first.template, &whole).await?;
        let Some(why) = refused else { continue };
        for approval in wanted {
            let why = match wanted {
                [_] => Some(why.clone()),
                _ => {
                    let with_one = list.iter().copied().chain([contact(approval)]).collect();
                    set_approvals(client, &first.template, &with_one).await?
                }
            };
            match why {
                Some(why) => drop(denied.insert((approval.template.clone(), approval.contact.clone()), why)),
                None => drop(list.insert(contact(approval))),
            }
        }
    }
    Ok(denied)
}

fn contact(approval: &ApprovalRequest) -> &str {
    &approval.contact
}

/// Gives a template its list; the sentence of Administrate where it refuses.
async fn set_approvals(client: &Client, template: &str, list: &BTreeSet<&str>) -> Result<Option<String>> {
    let template = Id::new(template);
    let contacts: Vec<Id> = list.iter().map(|contact| Id::new(*contact)).collect();
    let mut tries = 1;
    loop {
        let error = match client.approve_instructors(&template, &contacts).await {
            Ok(written) if written.unsupported_fields.is_empty() => return Ok(None),
            Ok(_) => return Ok(Some("this Administrate does not take approvals: give it by hand there".to_owned())),
            Err(error) => error,
        };
        if error.is_in_doubt() && has_approvals(client, &template, &contacts).await? {
            return Ok(None);
        }
        if !error.is_in_doubt() || tries == MAX_ATTEMPTS {
            return if error.is_outage() { Err(error.into()) } else { Ok(Some(error.to_string())) };
        }
        tries += 1;
    }
}

/// Whether all of a list are approved there.
async fn has_approvals(client: &Client, template: &Id, contacts: &[Id]) -> Result<bool> {
    let approved = client.approved_instructors(std::slice::from_ref(template)).await?;
    let approved = approved.get(template).map_or(&[][..], Vec::as_slice);
    Ok(contacts.iter().all(|contact| approved.contains(contact)))
}
