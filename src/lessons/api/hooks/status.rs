//! How the status of a lesson changes.

/// Reports whether a status may follow another one. Only admins take back a completion.
pub(super) fn may_follow(old: &str, new: &str, is_admin: bool) -> bool {
    let next: &[&str] = match old {
        "scheduled" => &["in-progress", "completed", "cancelled", "missed"],
        "in-progress" => &["completed", "cancelled", "missed"],
        "missed" => &["scheduled", "completed", "cancelled"],
        "cancelled" => &["scheduled"],
        "completed" if is_admin => &["in-progress"],
        "completed" => &[],
        // A word of another program says nothing.
        _ => return true,
    };
    old == new || next.contains(&new)
}

#[cfg(test)]
mod tests {
    use super::may_follow;
    use crate::lessons::api::resources::STATUSES;

    #[test]
    fn only_these_statuses_follow() {
        let allowed = |is_admin: bool| {
            let mut found = Vec::new();
            for old in STATUSES {
                let next: Vec<&str> =
                    STATUSES.iter().copied().filter(|new| old != new && may_follow(old, new, is_admin)).collect();
                found.push(format!("{old}: {}", next.join(" ")));
            }
            found
        };
        assert_eq!(
            allowed(false),
            [
                "scheduled: in-progress completed cancelled missed",
                "in-progress: completed cancelled missed",
                "completed: ",
                "cancelled: scheduled",
                "missed: scheduled completed cancelled",
            ]
        );
        assert_eq!(allowed(true)[2], "completed: in-progress");
    }
}
