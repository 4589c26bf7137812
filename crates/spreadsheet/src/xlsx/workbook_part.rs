//! The parts that lead to the sheets of an Excel workbook: relations, and the workbook part with the names of the sheets.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use quick_xml::events::Event;

use crate::ReadError;
use crate::archive::{Part, ZipParts};
use crate::bounded::push_bounded;
use crate::escapes::resolve_escapes;
use crate::limits::MAX_NAMED_ITEMS;
use crate::xml::{Events, Utf8Reader, attribute};

/// Path of the workbook part that nearly all programs write.
const USUAL_WORKBOOK: &str = "xl/workbook.xml";

pub(super) fn open_part<'p, 'a>(
    parts: &'p mut ZipParts<'a>,
    path: &str,
) -> Result<Events<Utf8Reader<Part<'p, 'a>>>, ReadError> {
    Ok(Events::new(parts.part(path)?))
}

/// A link from one part to another.
pub(super) struct Relation {
    id: String,
    /// The last segment of the relation's type URI, such as `worksheet`.
    kind: String,
    /// Path of the other part in the archive.
    target: String,
}

pub(super) fn first_target<'r>(relations: &'r [Relation], kind: &str) -> Option<&'r str> {
    relations.iter().find(|relation| relation.kind == kind).map(|relation| relation.target.as_str())
}

/// Reads the relations of a part; `folder` is the folder of that part.
fn read_relations(parts: &mut ZipParts<'_>, path: &str, folder: &str) -> Result<Vec<Relation>, ReadError> {
    let path = path.trim_start_matches('/');
    if !parts.contains(path) {
        return Ok(Vec::new());
    }
    let mut xml = open_part(parts, path)?;
    let mut relations = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type")?.unwrap_or_default();
                let target = attribute(&tag, "Target")?.unwrap_or_default();
                let target = resolve_target(folder, &target);
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let id = attribute(&tag, "Id")?.unwrap_or_default();
                push_bounded(&mut relations, MAX_NAMED_ITEMS, "relations", Relation { id, kind, target })?;
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// Resolves the target of a relation against the folder of its part (RFC 3986, 5.2), without query and fragment.
fn resolve_target(folder: &str, target: &str) -> String {
    let path = target.trim().split(['?', '#']).next().unwrap_or_default();
    let target = percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let absolute = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let mut segments: Vec<&str> = Vec::new();
    for segment in absolute.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            name => segments.push(name),
        }
    }
    segments.join("/")
}

#[derive(Default)]
pub(super) struct WorkbookPart {
    sheets: Vec<SheetEntry>,
    pub(super) since_1904: bool,
    pub(super) relations: Vec<Relation>,
}

struct SheetEntry {
    name: String,
    relation_id: String,
}

impl WorkbookPart {
    /// Returns the name and path of each worksheet. A chart sheet has no cells.
    pub(super) fn worksheets(&self) -> impl Iterator<Item = (&str, &str)> {
        let relations: HashMap<&str, &Relation> = self
            .relations
            .iter()
            .rev()
            .filter(|relation| relation.kind == "worksheet")
            .map(|relation| (relation.id.as_str(), relation))
            .collect();
        self.sheets.iter().filter_map(move |sheet| {
            Some((sheet.name.as_str(), relations.get(sheet.relation_id.as_str())?.target.as_str()))
        })
    }
}

/// Finds and reads the workbook part with its relations.
pub(super) fn read_workbook(parts: &mut ZipParts<'_>) -> Result<WorkbookPart, ReadError> {
    let root = read_relations(parts, "_rels/.rels", "")?;
    let named = first_target(&root, "officeDocument").unwrap_or(USUAL_WORKBOOK);
    let is_usual = !parts.contains(named) && parts.contains(USUAL_WORKBOOK);
    let path = if is_usual { USUAL_WORKBOOK } else { named }.to_owned();
    if path.to_lowercase().ends_with(".bin") {
        return Err(ReadError::binary_workbook());
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let relations = read_relations(parts, &format!("{folder}/_rels/{file}.rels"), folder)?;
    Ok(WorkbookPart { relations, ..read_workbook_part(parts, &path)? })
}

/// Reads the workbook part. Newer programs repeat names of elements in other namespaces and at other places, so only the
/// places of the standard count, in the namespace of the root.
fn read_workbook_part(parts: &mut ZipParts<'_>, path: &str) -> Result<WorkbookPart, ReadError> {
    let mut xml = open_part(parts, path)?.expanding_empty_elements();
    let mut workbook = WorkbookPart::default();
    let mut prefix = String::new();
    let mut buffer = Vec::new();
    loop {
        let event = xml.next(&mut buffer)?;
        match event {
            Event::Start(tag) => match (xml.depth(), tag.name().as_ref().strip_prefix(&prefix)) {
                (1, Some(root)) => match root.strip_suffix("workbook") {
                    Some(root_prefix) => root_prefix.clone_into(&mut prefix),
                    None => return Err(ReadError::no_workbook()),
                },
                (2, Some("workbookPr")) => {
                    let date_1904 = attribute(&tag, "date1904")?.map(|value| value.trim().to_lowercase());
                    workbook.since_1904 = matches!(date_1904.as_deref(), Some("1" | "true" | "on"));
                }
                (3, Some("sheet")) => {
                    let id = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "id");
                    let relation_id = id.map(|id| id.value.into_owned()).unwrap_or_default();
                    let mut name = attribute(&tag, "name")?.unwrap_or_default();
                    resolve_escapes(&mut name, 0);
                    let sheet = SheetEntry { name, relation_id };
                    push_bounded(&mut workbook.sheets, MAX_NAMED_ITEMS, "sheets", sheet)?;
                }
                _ => {}
            },
            Event::Eof => return Ok(workbook),
            _ => {}
        }
    }
}
