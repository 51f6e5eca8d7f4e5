//! Ids by their first digits.

use uuid::Uuid;

/// Ids that begin alike: two are enough to know that it is ambiguous.
pub(super) const ALIKE: i64 = 2;

/// The first and the last id that begin with `prefix` (hyphens do not count): a range of a primary key. `None`: no id does.
pub(super) fn range(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    let fill = 32_usize.checked_sub(digits.len()).filter(|_| !digits.is_empty())?;
    let bound = |digit: &str| Uuid::try_parse(&format!("{digits}{}", digit.repeat(fill))).ok();
    Some((bound("0")?, bound("f")?))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::few("7ecf", Some("7ecf0000-0000-0000-0000-000000000000…7ecfffff-ffff-ffff-ffff-ffffffffffff"))]
    #[case::over_a_hyphen(
        "7ECF0123-4",
        Some("7ecf0123-4000-0000-0000-000000000000…7ecf0123-4fff-ffff-ffff-ffffffffffff")
    )]
    #[case::whole(
        "7ecf0123-4000-7000-8000-000000000001",
        Some("7ecf0123-4000-7000-8000-000000000001…7ecf0123-4000-7000-8000-000000000001")
    )]
    #[case::too_long("7ecf0123-4000-7000-8000-0000000000012", None)]
    #[case::none("", None)]
    #[case::no_digits("all", None)]
    #[case::beyond_ascii("한빛", None)]
    fn a_prefix_is_a_range_of_ids(#[case] prefix: &str, #[case] expected: Option<&str>) {
        let found = range(prefix).map(|(first, last)| format!("{first}…{last}"));
        assert_eq!(found.as_deref(), expected);
    }
}
