//! Durations, sizes and near names as people write them.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZE_UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Reads `200ms`, `2s`, `15m`, `4h`, `3d`; whole numbers only.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    scaled(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Writes a duration in the largest unit that divides it.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, size) = DURATION_UNITS
        .into_iter()
        .rev()
        .find(|(_, size)| millis > 0 && millis.is_multiple_of(*size))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", millis / size)
}

/// Reads `512B`, `64KiB`, `8MiB`, `1GiB`.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    scaled(text, &SIZE_UNITS)
}

/// Writes a size in the largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

/// The name nearest to `text` by edit distance, if it is near: at most a third of the letters differ.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (text.chars().count() / 3).max(2);
    names
        .map(|name| (edit_distance(text, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(80).collect(), b.chars().take(80).collect());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut line = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            line[j] = substituted.min(above[j] + 1).min(line[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                line[j] = line[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, line);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("200ms", Some(200))]
    #[case("2s", Some(2_000))]
    #[case("15m", Some(900_000))]
    #[case("4 h", Some(14_400_000))]
    #[case("3d", Some(259_200_000))]
    #[case("3 dyas", None)]
    #[case("10", None)]
    #[case("-1s", None)]
    #[case("1.5s", None)]
    #[case("99999999999999999999s", None)]
    #[case("", None)]
    fn durations_need_a_unit(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(parse_duration(text), millis.map(Duration::from_millis));
    }

    #[rstest]
    #[case("8MiB", Some(8 << 20))]
    #[case("512B", Some(512))]
    #[case("8MB", None)]
    #[case("8", None)]
    fn sizes_need_a_unit(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(parse_size(text), bytes);
    }

    #[rstest]
    #[case("15m")]
    #[case("90s")]
    #[case("3d")]
    #[case("200ms")]
    fn durations_print_as_they_are_read(#[case] text: &str) {
        assert_eq!(show_duration(parse_duration(text).expect("valid")), text);
    }

    #[test]
    fn a_swapped_letter_still_finds_its_name() {
        assert_eq!(nearest("burts", ["capacity", "burst", "key"].into_iter()), Some("burst"));
        assert_eq!(nearest("elephant", ["burst"].into_iter()), None);
    }
}
