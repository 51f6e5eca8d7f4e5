//! Whose turn it is to refresh a mall's tokens. Pure: the adapter reads the rows, this decides, the adapter writes.
//!
//! A lease is taken and committed **before** the token URL is called, and goes with the new pair in one statement. So it is
//! the intent as well: one that stays behind tells that a call was made with this version's refresh token and that its
//! outcome is not known. Who takes over from it uses the same token: either the call never rotated it, then all is well, or
//! the answer is `invalid_grant`, and then the moment of the loss is known (`docs/reliability.md` O2).
//!
//! Times are the store's own clock, the same for all processes.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long a lease holds: longer than three calls of 10 s with the waits between them, and a store that is slow.
/// A holder that outlives it sends nothing more; what it still gets is stored if nobody was faster.
pub const LEASE: Duration = Duration::from_secs(45);
/// Tries of one refresh token while the network fails.
pub(super) const TRIES: u32 = 3;
/// Wait before the second try; twice that before the third.
pub(super) const TRY_AGAIN: Duration = Duration::from_millis(250);
/// A call is not begun when less than this is left of the lease: its whole time-out, and a second to store.
pub(super) const CALL_AT_MOST: Duration = Duration::from_secs(11);

/// A lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The version of the pair whose refresh token is used.
    pub version: i64,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Others may take over from then on.
    pub until: DateTime<Utc>,
    /// When an earlier call with this version's token was left without a known outcome.
    pub unanswered_at: Option<DateTime<Utc>>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nobody's: the stored pair is newer than the one that was used.
    Newer,
    /// Another's, for so long at most.
    Theirs(Duration),
    /// Ours.
    Ours {
        /// When an earlier call with this token was left without a known outcome.
        unanswered_at: Option<DateTime<Utc>>,
    },
}

/// Whose turn it is for somebody who holds the pair of version `used`, when version `stored` is stored.
///
/// A version of the past never returns, so a lease for an older version than the stored one has no meaning any more: its
/// call's pair is stored, or was thrown away because a person connected the mall meanwhile.
pub fn turn(stored: i64, used: i64, lease: Option<&Lease>, now: DateTime<Utc>) -> Turn {
    if stored > used {
        return Turn::Newer;
    }
    match lease.filter(|lease| lease.version >= stored) {
        None => Turn::Ours { unanswered_at: None },
        Some(lease) if lease.until > now => {
            Turn::Theirs((lease.until - now).to_std().unwrap_or_default().min(LEASE))
        }
        Some(lease) => Turn::Ours { unanswered_at: lease.unanswered_at.or(Some(lease.taken_at)) },
    }
}

/// What becomes of a lease whose call brought no pair: `None` removes it.
///
/// `unanswered` says that the call may have rotated the pair all the same. Then the lease stays as a note, and is free for
/// anybody at once.
pub fn after_failure(lease: &Lease, unanswered: bool, now: DateTime<Utc>) -> Option<Lease> {
    let unanswered_at = lease.unanswered_at.or(unanswered.then_some(lease.taken_at));
    unanswered_at.map(|at| Lease { until: now, unanswered_at: Some(at), ..lease.clone() })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn lease(version: i64, taken: i64, unanswered: Option<i64>) -> Lease {
        Lease { version, taken_at: at(taken), until: at(taken + 45), unanswered_at: unanswered.map(at) }
    }

    #[rstest]
    #[case::nobody_refreshes(7, 7, None, Turn::Ours { unanswered_at: None })]
    #[case::somebody_was_faster(8, 7, None, Turn::Newer)]
    #[case::faster_whatever_the_lease_says(8, 7, Some(lease(7, 90, None)), Turn::Newer)]
    #[case::somebody_is_at_it(7, 7, Some(lease(7, 90, None)), Turn::Theirs(Duration::from_secs(35)))]
    #[case::a_dead_holder_leaves_its_moment(7, 7, Some(lease(7, 50, None)), Turn::Ours { unanswered_at: Some(at(50)) })]
    #[case::the_first_loss_is_kept(7, 7, Some(lease(7, 50, Some(3))), Turn::Ours { unanswered_at: Some(at(3)) })]
    #[case::a_lease_of_an_older_pair_is_void(8, 8, Some(lease(7, 90, Some(3))), Turn::Ours { unanswered_at: None })]
    #[case::its_very_end_is_free(7, 7, Some(lease(7, 55, None)), Turn::Ours { unanswered_at: Some(at(55)) })]
    fn the_turn_follows_from_versions_and_the_lease(
        #[case] stored: i64,
        #[case] used: i64,
        #[case] lease: Option<Lease>,
        #[case] expected: Turn,
    ) {
        assert_eq!(turn(stored, used, lease.as_ref(), at(100)), expected);
    }

    #[test]
    fn a_failure_is_noted_only_if_the_pair_may_be_rotated() {
        assert_eq!(after_failure(&lease(7, 90, None), false, at(100)), None);
        let noted = after_failure(&lease(7, 90, None), true, at(100)).expect("noted");
        assert_eq!((noted.until, noted.unanswered_at), (at(100), Some(at(90))));
        // A certain failure does not undo an earlier uncertain one.
        let kept = after_failure(&lease(7, 90, Some(3)), false, at(100)).expect("kept");
        assert_eq!(kept.unanswered_at, Some(at(3)));
        assert_eq!(turn(7, 7, Some(&kept), at(100)), Turn::Ours { unanswered_at: Some(at(3)) });
    }

    #[test]
    fn a_lease_outlives_all_its_calls() {
        let calls = Duration::from_secs(10) * TRIES + TRY_AGAIN * 3;
        assert!(calls + Duration::from_secs(10) < LEASE);
        assert!(LEASE > CALL_AT_MOST * TRIES + TRY_AGAIN * 3, "the last try may still be begun");
    }
}
