//! One character a day: what of each mall is there.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::books::Days;

/// Slices of a mall's day: one for each endpoint.
const ENDPOINTS: u64 = 4;
/// Days on one line at most; the last ones.
const COLUMNS: usize = 90;
/// Malls on lines of their own.
const LINES: usize = 8;

/// A heading and a line a mall; malls that look the same share one.
pub(super) fn lines(malls: &BTreeMap<String, Days>, from: NaiveDate, to: NaiveDate) -> Vec<String> {
    let days: Vec<_> = from.iter_days().take_while(|day| *day <= to).collect();
    let days = &days[days.len().saturating_sub(COLUMNS)..];
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (mall, covered) in malls {
        alike.entry(picture(covered, days)).or_default().push(mall);
    }
    let mut lines = vec![format!(" coverage     {}", heading(days))];
    let mut alike: Vec<_> = alike.into_iter().collect();
    alike.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (picture, malls) in alike.iter().take(LINES) {
        let first = malls.first().copied().unwrap_or_default();
        let more = if malls.len() > 1 { format!("  {} more alike", malls.len() - 1) } else { String::new() };
        let full = picture.chars().filter(|cell| *cell == '█').count();
        lines.push(format!(" {first:<12} {picture}  {full}/{} days{more}", days.len()));
    }
    if alike.len() > LINES {
        lines.push(format!(" … and {} more", alike.len() - LINES));
    }
    lines
}

fn picture(covered: &Days, days: &[NaiveDate]) -> String {
    let cell = |day| match covered.get(day) {
        Some((ENDPOINTS.., false)) => '█',
        Some((_, _)) => '▒',
        None => '·',
    };
    days.iter().map(cell).collect()
}

/// First and last day at the ends.
fn heading(days: &[NaiveDate]) -> String {
    let name = |day: Option<&NaiveDate>| day.map(|day| day.format("%b %-d").to_string()).unwrap_or_default();
    let (first, last) = (name(days.first()), name(days.last()));
    let gap = days.len().saturating_sub(first.len()).max(last.len() + 1);
    format!("{first}{last:>gap$} (KST)   █ complete  ▒ in part  · missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malls_that_look_the_same_share_a_line() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 2, day).expect("a day");
        let full: Days = (1..=14).map(|d| (day(d), (4, false))).collect();
        let mut gap = full.clone();
        gap.remove(&day(2));
        gap.insert(day(3), (1, false));
        let malls = [("a", full.clone()), ("b", full), ("c", gap)];
        let malls = malls.into_iter().map(|(mall, days)| (mall.to_owned(), days)).collect();
        let lines = lines(&malls, day(1), day(14));
        assert!(lines[0].starts_with(" coverage     Feb 1   Feb 14 (KST)"), "{}", lines[0]);
        assert_eq!(lines[1], " a            ██████████████  14/14 days  1 more alike");
        assert_eq!(lines[2], " c            █·▒███████████  12/14 days");
    }
}
