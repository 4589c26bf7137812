//! Routes and shapes for front ends that were written before this API: addresses below `/api/tutor`, `/api/student` and
//! `/api/parent` lead to those of lessons, which return and read the older shapes with `legacy=1`.

pub mod counts;
mod description;
mod redirects;
pub mod schemas;
pub mod shapes;
pub mod toggles;

pub use self::description::describe;
pub use self::redirects::{PATHS, router};
use crate::http::problem::{FieldError, HttpProblem};

/// The parameters that the older addresses add.
pub const PARAMETERS: [&str; 3] = ["as", "shape", "legacy"];

/// Reports whether a request reads and returns the older shapes.
///
/// # Errors
/// 400 for values that the parameters do not have.
pub fn is_requested(pairs: &[(String, String)]) -> Result<bool, HttpProblem> {
    let mut is_legacy = false;
    for (name, value) in pairs {
        match (name.as_str(), value.trim()) {
            ("legacy", "1" | "true") => is_legacy = true,
            ("legacy", "0" | "false") | ("shape", "array") => {}
            ("legacy", _) => return Err(invalid("/legacy", "must be 1 or 0")),
            ("shape", _) => return Err(invalid("/shape", "must be array")),
            _ => {}
        }
    }
    Ok(is_legacy)
}

fn invalid(at: &str, message: &str) -> HttpProblem {
    HttpProblem::fields(FieldError::new(at, "invalid_value", message))
}
