//! The delivery steps that the caller can request in addition to an effect.

use std::str::FromStr;

use crate::error::Error;

/// A delivery step or option requested by the caller; it stays requested until the item is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStep {
    /// Publishes the event and its sessions.
    Publish,
    /// Deletes remote sessions without a local session, as far as they are drafts.
    DeleteDrafts,
    /// Checks for remote changes since the baseline before anything is overwritten.
    Compare,
    /// The same check from the second attempt on: the caller has just compared both sides.
    CompareLater,
    /// Checks before an instructor is added that they are approved: the caller could not.
    CheckApproval,
    /// Overwrites whatever Administrate has with the local values.
    OverwriteRemote,
}

impl DeliveryStep {
    const ALL: [DeliveryStep; 6] = [
        DeliveryStep::Publish,
        DeliveryStep::DeleteDrafts,
        DeliveryStep::Compare,
        DeliveryStep::CompareLater,
        DeliveryStep::CheckApproval,
        DeliveryStep::OverwriteRemote,
    ];

    /// Returns the word stored in the outbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryStep::Publish => "publish",
            DeliveryStep::DeleteDrafts => "delete_drafts",
            DeliveryStep::Compare => "compare",
            DeliveryStep::CompareLater => "compare_later",
            DeliveryStep::CheckApproval => "approved",
            DeliveryStep::OverwriteRemote => "ours",
        }
    }
}

impl FromStr for DeliveryStep {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let known = DeliveryStep::ALL.into_iter().find(|step| step.as_str() == word);
        known.ok_or_else(|| Error::Failed(format!("this version does not know the delivery step \"{word}\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_word_is_read_back_and_unknown_word_is_an_error() {
        for step in DeliveryStep::ALL {
            assert_eq!(step.as_str().parse::<DeliveryStep>().expect("a known word"), step);
        }
        let error = "retract".parse::<DeliveryStep>().expect_err("an unknown word");
        assert!(error.to_string().contains("\"retract\""), "{error}");
    }
}
