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
    Users,
    Tokens,
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

/// The pages of admins only.
const ADMIN: [NavLink; 2] =
    [link(NavPlace::Users, "/users", "Users", 'u'), link(NavPlace::Tokens, "/tokens", "Tokens", 'k')];

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

    /// Returns the entries of the navigation that this visitor may open.
    pub fn links(&self) -> Vec<NavLink> {
        let Some(visitor) = &self.visitor else { return Vec::new() };
        if !visitor.is_staff {
            return vec![LESSONS];
        }
        let admin: &[NavLink] = if visitor.is_admin { &ADMIN } else { &[] };
        STAFF.iter().chain(admin).copied().collect()
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
