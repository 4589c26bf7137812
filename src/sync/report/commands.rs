//! The commands by which a user decides about an ambiguity or a separation.

use std::collections::HashSet;

use crate::sync::entity::Entity;
use crate::sync::matching::{Ambiguity, LocalRecord, RemoteRecord, Separation};
use crate::text::shell_word;

/// Most commands of one ambiguity in the JSON document.
const MAX_COMMANDS: usize = 100;

/// One way to decide an ambiguity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice<'a> {
    Link(&'a LocalRecord, &'a RemoteRecord),
    IgnoreLocal(&'a LocalRecord),
    IgnoreRemote(&'a RemoteRecord),
}

impl Choice<'_> {
    pub(super) fn command(self, entity: Entity) -> String {
        match self {
            Choice::Link(one, other) => link(entity, one, other),
            Choice::IgnoreLocal(one) => format!("lectern sync ignore {entity} {} -", one.id),
            Choice::IgnoreRemote(other) => format!("lectern sync ignore {entity} - {}", shell_word(&other.external_id)),
        }
    }
}

/// Returns every way to decide: a link of each pair, and to leave out the records beside an existing link.
///
/// Prices have no local side: all but one are ignored.
pub(super) fn choices(ambiguity: &Ambiguity) -> impl Iterator<Item = Choice<'_>> {
    let Ambiguity { local, remote, linked, .. } = ambiguity;
    let ids: HashSet<i64> = linked.iter().map(|link| link.id).collect();
    let external_ids: HashSet<&str> = linked.iter().map(|link| link.external_id.as_str()).collect();
    let links = local.iter().flat_map(|one| remote.iter().map(move |other| Choice::Link(one, other)));
    let (has_links, is_remote_only) = (!linked.is_empty(), local.is_empty());
    let more_local = local.iter().filter(move |one| has_links && !ids.contains(&one.id)).map(Choice::IgnoreLocal);
    let more_remote = remote
        .iter()
        .filter(move |other| is_remote_only || has_links && !external_ids.contains(other.external_id.as_str()));
    links.chain(more_local).chain(more_remote.map(Choice::IgnoreRemote))
}

/// Adds its commands to an ambiguity.
pub(super) fn with_commands(mut ambiguity: Ambiguity, entity: Entity) -> Ambiguity {
    ambiguity.commands = choices(&ambiguity).take(MAX_COMMANDS).map(|choice| choice.command(entity)).collect();
    ambiguity
}

/// Adds the command that links the records again.
pub(super) fn with_command(mut separation: Separation, entity: Entity) -> Separation {
    separation.command = link(entity, &separation.local, &separation.remote);
    separation
}

fn link(entity: Entity, one: &LocalRecord, other: &RemoteRecord) -> String {
    format!("lectern sync link {entity} {} {}", one.id, shell_word(&other.external_id))
}
