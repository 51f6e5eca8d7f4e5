//! What may become of an attempt to connect a mall, and when its callback is believed.
//!
//! Two lists that must not be mixed up. A [`StateRefusal`] says that a callback does not belong to an attempt: anybody on
//! the net may send one, so it changes nothing and the attempt goes on. A [`ConsentOutcome`] ends the attempt: its state
//! was right and is used up.

use std::fmt;

/// Why a callback is not believed. Nothing is exchanged and nothing changes (`docs/reliability.md` X3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateRefusal {
    /// There is no `state`.
    Missing,
    /// Cafe24 opened the app by itself: a mall is named, but nobody asked.
    NotAsked,
    /// We never gave this one out.
    Unknown,
    /// Its ten minutes are over.
    Expired,
    /// It was used before.
    Reused,
    /// Another browser opened the link.
    ForeignBrowser,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentOutcome {
    /// The new pair is stored.
    Connected,
    /// The mall's operator pressed Deny.
    Denied,
    /// Cafe24 does not let the app ask for the scope.
    ScopeRefused,
    /// The code is late (it lives a minute), used, or another mall's.
    CodeRefused,
    /// The redirect address is not the registered one.
    AddressRefused,
    /// The app's id or secret is wrong.
    AppRefused,
    /// The tokens are another mall's than the one that was asked for.
    OtherMall,
    /// The mall belongs to another agency.
    OtherAgency,
    /// Fewer scopes were granted than the dialect needs.
    ScopeMissing,
    /// Another refusal of Cafe24's.
    Rejected,
    /// The OAuth host did not answer, or not with tokens.
    Unreachable,
    /// We could not store the pair.
    NotStored,
    /// Whoever asked gave up.
    Withdrawn,
}

impl StateRefusal {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Missing, Self::NotAsked, Self::Unknown, Self::Expired, Self::Reused, Self::ForeignBrowser];

    /// As it stands in addresses, in the audit log and in the texts of the pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "state_missing",
            Self::NotAsked => "not_asked",
            Self::Unknown => "state_unknown",
            Self::Expired => "state_expired",
            Self::Reused => "state_reused",
            Self::ForeignBrowser => "foreign_browser",
        }
    }
}

impl ConsentOutcome {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Connected,
        Self::Denied,
        Self::ScopeRefused,
        Self::CodeRefused,
        Self::AddressRefused,
        Self::AppRefused,
        Self::OtherMall,
        Self::OtherAgency,
        Self::ScopeMissing,
        Self::Rejected,
        Self::Unreachable,
        Self::NotStored,
        Self::Withdrawn,
    ];

    /// As it stands in the column `outcome`, in the audit log and in the texts of the pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Denied => "denied",
            Self::ScopeRefused => "scope_refused",
            Self::CodeRefused => "code_refused",
            Self::AddressRefused => "address_refused",
            Self::AppRefused => "app_refused",
            Self::OtherMall => "other_mall",
            Self::OtherAgency => "other_agency",
            Self::ScopeMissing => "scope_missing",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::NotStored => "not_stored",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What an error in the redirected address means (RFC 6749, 4.1.2.1).
    pub fn of_error(code: &str) -> Self {
        match code {
            "access_denied" => Self::Denied,
            "invalid_scope" => Self::ScopeRefused,
            "unauthorized_client" | "invalid_client" => Self::AppRefused,
            "invalid_request" | "redirect_uri_mismatch" => Self::AddressRefused,
            "server_error" | "temporarily_unavailable" => Self::Unreachable,
            _ => Self::Rejected,
        }
    }
}

impl std::str::FromStr for ConsentOutcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

/// The text is no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no outcome of a consent", .0.escape_debug())]
pub struct UnknownOutcome(String);

impl fmt::Display for ConsentOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An attempt as its callback finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its time is over, by the database's clock.
    pub expired: bool,
    /// Its state was used.
    pub used: bool,
    /// The caller holds the cookie of the browser that opened the link.
    pub bound: bool,
}

impl Standing {
    /// Whether a callback with the attempt's state is believed.
    ///
    /// # Errors
    /// The first reason against it: [`Expired`](StateRefusal::Expired), then used, then another browser.
    pub fn judge(self) -> Result<(), StateRefusal> {
        match self {
            Self { expired: true, .. } => Err(StateRefusal::Expired),
            Self { used: true, .. } => Err(StateRefusal::Reused),
            Self { bound: false, .. } => Err(StateRefusal::ForeignBrowser),
            Self { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::in_time_unused_and_from_the_same_browser(false, false, true, Ok(()))]
    #[case::too_late(true, false, true, Err(StateRefusal::Expired))]
    #[case::used(false, true, true, Err(StateRefusal::Reused))]
    #[case::another_browser(false, false, false, Err(StateRefusal::ForeignBrowser))]
    #[case::late_goes_before_used(true, true, true, Err(StateRefusal::Expired))]
    #[case::used_goes_before_another_browser(false, true, false, Err(StateRefusal::Reused))]
    fn a_callback_is_believed_once_in_time_and_from_the_browser_that_asked(
        #[case] expired: bool,
        #[case] used: bool,
        #[case] bound: bool,
        #[case] judged: Result<(), StateRefusal>,
    ) {
        assert_eq!(Standing { expired, used, bound }.judge(), judged);
    }

    #[test]
    fn every_name_is_read_back_and_none_is_said_twice() {
        let outcomes = ConsentOutcome::ALL.map(ConsentOutcome::as_str);
        assert!(ConsentOutcome::ALL.into_iter().all(|outcome| outcome.as_str().parse() == Ok(outcome)));
        let names: BTreeSet<_> =
            outcomes.into_iter().chain(StateRefusal::ALL.map(StateRefusal::as_str)).collect();
        assert_eq!(names.len(), ConsentOutcome::ALL.len() + StateRefusal::ALL.len());
        assert!("gone".parse::<ConsentOutcome>().is_err());
    }

    #[rstest]
    #[case("access_denied", ConsentOutcome::Denied)]
    #[case("invalid_scope", ConsentOutcome::ScopeRefused)]
    #[case("something_new", ConsentOutcome::Rejected)]
    fn errors_of_the_consent_page_have_a_meaning(#[case] code: &str, #[case] outcome: ConsentOutcome) {
        assert_eq!(ConsentOutcome::of_error(code), outcome);
    }
}
