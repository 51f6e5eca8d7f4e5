//! A share of a bucket that is left to other software.
//!
//! The server's bucket is divided in two: ours, with `1 − share` of its tokens and of its refill, and theirs with the rest. As
//! long as each stays within its own, the server's bucket holds what both of them have left, and neither sees a 429. So
//! tokens that somebody else took out of their part are not taken from ours again: only an answer that says less than *our*
//! part and the margin lowers our level ([`Bucket::observe`](super::Bucket::observe)).

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Percent of a bucket, of its tokens and of its refill alike, that we leave to other software: 0 (the default) to 90.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Reserve(u8);

/// The number is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share of a bucket: use 0% to 90%")]
pub struct InvalidReserve(String);

impl Reserve {
    /// Everything is ours.
    pub const NONE: Self = Self(0);
    /// More would leave us less than a request in 5 seconds of 2 a second.
    pub const MOST: Self = Self(90);

    /// Percent, 0 to 90.
    pub fn percent(self) -> u8 {
        self.0
    }

    /// What is left to us, of 1.
    pub fn ours(self) -> f64 {
        f64::from(100 - self.0) / 100.0
    }

    /// Whole tokens of a bucket of `burst` that are theirs, rounded up.
    pub(super) fn tokens(self, burst: i64) -> i64 {
        (burst * i64::from(self.0) + 99) / 100
    }

    /// µs in which we gain a token, where the server gains one in `token_us`; rounded up.
    pub(crate) fn pace_us(self, token_us: i64) -> i64 {
        let ours = 100 - i64::from(self.0);
        (token_us * 100 + ours - 1) / ours
    }
}

impl TryFrom<i64> for Reserve {
    type Error = InvalidReserve;

    fn try_from(percent: i64) -> Result<Self, Self::Error> {
        u8::try_from(percent)
            .ok()
            .map(Self)
            .filter(|reserve| *reserve <= Self::MOST)
            .ok_or_else(|| InvalidReserve(percent.to_string()))
    }
}

impl FromStr for Reserve {
    type Err = InvalidReserve;

    /// Reads `25%` or `25`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_suffix('%').unwrap_or(text);
        let percent = digits.parse::<i64>().map_err(|_| InvalidReserve(text.to_owned()))?;
        Self::try_from(percent).map_err(|_| InvalidReserve(text.to_owned()))
    }
}

impl fmt::Display for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("25%", Some(25))]
    #[case("0", Some(0))]
    #[case("90%", Some(90))]
    #[case("91%", None)]
    #[case("-1%", None)]
    #[case("2.5%", None)]
    #[case("all", None)]
    fn a_share_is_a_whole_percentage_up_to_90(#[case] text: &str, #[case] percent: Option<u8>) {
        assert_eq!(text.parse::<Reserve>().ok().map(Reserve::percent), percent);
    }

    #[test]
    fn what_is_theirs_is_rounded_in_their_favour() {
        let third = Reserve(33);
        assert_eq!((third.tokens(40), third.pace_us(500_000)), (14, 746_269));
        assert_eq!((Reserve::NONE.tokens(40), Reserve::NONE.pace_us(500_000)), (0, 500_000));
    }
}
