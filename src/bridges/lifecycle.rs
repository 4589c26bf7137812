//! The state of an event or session in Administrate.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of an event or session as Administrate reports it, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum LifecycleState {
    Draft,
    Published,
    Cancelled,
    /// A state that this program does not know, as reported.
    Other(String),
}

impl LifecycleState {
    /// Reads a reported state; `None` where none was reported.
    pub fn of(text: Option<&str>) -> Option<Self> {
        text.map(LifecycleState::from)
    }

    /// Returns the state as it is stored and reported.
    pub fn as_str(&self) -> &str {
        match self {
            LifecycleState::Draft => "draft",
            LifecycleState::Published => "published",
            LifecycleState::Cancelled => "cancelled",
            LifecycleState::Other(text) => text,
        }
    }
}

impl From<&str> for LifecycleState {
    fn from(text: &str) -> Self {
        match text {
            "draft" => LifecycleState::Draft,
            "published" => LifecycleState::Published,
            "cancelled" => LifecycleState::Cancelled,
            other => LifecycleState::Other(other.to_owned()),
        }
    }
}

impl From<String> for LifecycleState {
    fn from(text: String) -> Self {
        LifecycleState::from(text.as_str())
    }
}

impl From<LifecycleState> for String {
    fn from(state: LifecycleState) -> Self {
        state.as_str().to_owned()
    }
}

impl fmt::Display for LifecycleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_stored_as_its_text_even_if_unknown() {
        for text in ["draft", "published", "cancelled", "archived"] {
            let json = format!("\"{text}\"");
            let state: LifecycleState = serde_json::from_str(&json).expect("a state");
            assert_eq!(matches!(state, LifecycleState::Other(_)), text == "archived");
            assert_eq!(serde_json::to_string(&state).expect("JSON"), json);
        }
    }
}
