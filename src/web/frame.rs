//! What every page shows around its content: head, navigation, message, shortcuts.

use super::assets;
use super::flash::Flash;

/// The entry of the navigation that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NavPlace {
    Today,
    Timetable,
    Lessons,
    Imports,
    Syncs,
    Outbox,
    Webhooks,
    Reference,
    People,
    Users,
    Tokens,
    Audit,
    Settings,
    Migrations,
    Search,
    /// A page without an entry.
    Elsewhere,
}

/// An entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NavLink {
    pub place: NavPlace,
    pub path: &'static str,
    pub label: &'static str,
    /// The letter after `g` that opens it.
    pub key: char,
}

const fn link(place: NavPlace, path: &'static str, label: &'static str, key: char) -> NavLink {
    NavLink { place, path, label, key }
}

/// The page of everybody.
const LESSONS: NavLink = link(NavPlace::Lessons, "/lessons", "Lessons", 'l');

/// The pages of staff.
const STAFF: [NavLink; 7] = [
    link(NavPlace::Today, "/today", "Today", 'd'),
    link(NavPlace::Timetable, "/timetable", "Timetable", 't'),
    LESSONS,
    link(NavPlace::Imports, "/imports", "Imports", 'i'),
    link(NavPlace::Syncs, "/syncs", "Syncs", 's'),
    link(NavPlace::Outbox, "/outbox", "Outbox", 'o'),
    link(NavPlace::Webhooks, "/webhooks", "Webhooks", 'w'),
];

/// The records that events and lessons refer to.
const RECORDS: [NavLink; 2] =
    [link(NavPlace::Reference, "/reference", "Reference data", 'r'), link(NavPlace::People, "/people", "People", 'p')];

/// What staff see of the administration of Lectern.
const ADMINISTRATION: [NavLink; 2] =
    [link(NavPlace::Audit, "/audit", "Audit", 'a'), link(NavPlace::Migrations, "/migrations", "Migrations", 'm')];

/// The pages of admins only.
const ADMIN: [NavLink; 3] = [
    link(NavPlace::Users, "/users", "Users", 'u'),
    link(NavPlace::Tokens, "/tokens", "Tokens", 'k'),
    link(NavPlace::Settings, "/settings", "Settings", 'c'),
];

/// Entries under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavGroup {
    pub label: &'static str,
    pub links: Vec<NavLink>,
}

impl NavGroup {
    /// Reports whether a page belongs to one of its entries.
    pub fn contains(&self, place: &NavPlace) -> bool {
        self.links.iter().any(|link| link.place == *place)
    }
}

/// The person who has signed in, as pages show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownVisitor {
    pub name: String,
    pub role: &'static str,
    pub csrf_token: String,
    /// Whether they may see the pages of staff.
    pub is_staff: bool,
    /// Whether they may change anything.
    pub can_write: bool,
    pub is_admin: bool,
}

/// The part of a page around its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub title: String,
    pub place: NavPlace,
    pub visitor: Option<ShownVisitor>,
    pub flash: Option<Flash>,
    /// Seconds after which a browser without scripts loads the page again; 0: never.
    pub refresh: u8,
}

impl Frame {
    /// Creates the frame of a page that needs no sign-in.
    pub fn public(title: impl Into<String>, place: NavPlace) -> Frame {
        Frame { title: title.into(), place, visitor: None, flash: None, refresh: 0 }
    }

    /// Returns the entries of the navigation that stand for themselves and that this visitor may open.
    pub fn links(&self) -> Vec<NavLink> {
        match &self.visitor {
            None => Vec::new(),
            Some(visitor) if visitor.is_staff => STAFF.to_vec(),
            Some(_) => vec![LESSONS],
        }
    }

    /// Returns the further entries that this visitor may open, under their headings.
    pub fn groups(&self) -> Vec<NavGroup> {
        let Some(visitor) = self.visitor.as_ref().filter(|visitor| visitor.is_staff) else { return Vec::new() };
        let admin: &[NavLink] = if visitor.is_admin { &ADMIN } else { &[] };
        let administration = admin.iter().chain(&ADMINISTRATION).copied().collect();
        vec![
            NavGroup { label: "Records", links: RECORDS.to_vec() },
            NavGroup { label: "Administration", links: administration },
        ]
    }

    pub fn style(&self) -> &'static str {
        assets::style()
    }

    pub fn htmx(&self) -> &'static str {
        assets::htmx()
    }

    pub fn script(&self) -> &'static str {
        assets::script()
    }

    /// Returns the token that the forms of the page send back.
    pub fn csrf(&self) -> &str {
        self.visitor.as_ref().map(|visitor| visitor.csrf_token.as_str()).unwrap_or_default()
    }

    pub fn can_write(&self) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.can_write)
    }
}
