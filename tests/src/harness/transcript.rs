//! What an operator sees, written down so that a document can show it and a test can hold the document to it.
//!
//! A document has blocks of console text, each under a comment `<!-- journey: NAME -->`. A test plays the journey against
//! the real programs, collects what they say under the same names, and compares. Times, ids and addresses differ in each
//! run: they are replaced by ones of the same length that are always the same, so columns keep their places.
//! `CAFE24_UPDATE_DOCS=1` writes the blocks instead of comparing them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::LazyLock;

use chrono::{DateTime, Days, FixedOffset, NaiveDate, Utc};
use regex::{Captures, Regex};

use super::program::Output;
use super::servers::{optional, root};
use super::trouble::{Context as _, Result, Trouble};

/// The day that every run took place on, as the document has it. A Wednesday.
const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 14).expect("a day");
/// And the time.
const TIME: &str = "08:12";
const OPEN: &str = "<!-- journey: ";
const FENCE: &str = "```";

/// Everything that was seen, by the block it belongs to.
#[derive(Debug)]
pub struct Transcript {
    today: NaiveDate,
    blocks: BTreeMap<String, String>,
    names: Vec<(String, String)>,
    ids: Vec<String>,
}

impl Transcript {
    /// An empty one that took place at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        let kst = FixedOffset::east_opt(9 * 3_600)
            .map_or(now.date_naive(), |kst| now.with_timezone(&kst).date_naive());
        Self { today: kst, blocks: BTreeMap::new(), names: Vec::new(), ids: Vec::new() }
    }

    /// Shows `shown` wherever `text` stands.
    pub fn name(&mut self, text: impl Into<String>, shown: &str) {
        self.names.push((text.into(), shown.to_owned()));
    }

    /// A command and what it said, stderr first: what it asks and tells on its way.
    pub fn command(&mut self, block: &str, arguments: &[&str], output: &Output) {
        let line: Vec<_> = arguments.iter().map(|word| quoted(word)).collect();
        let mut text = format!("$ cafe24-sync {}\n{}{}", line.join(" "), output.stderr, output.stdout);
        if let Some(code) = output.code.filter(|code| *code != 0) {
            let _ = writeln!(text, "(exit {code})");
        }
        self.add(block, &text);
    }

    /// Any other text.
    pub fn add(&mut self, block: &str, text: &str) {
        let text = self.always_the_same(text);
        let so_far = self.blocks.entry(block.to_owned()).or_default();
        if !so_far.is_empty() {
            so_far.push('\n');
        }
        for line in text.trim_end().lines() {
            so_far.push_str(line.trim_end());
            so_far.push('\n');
        }
    }

    /// Compares the blocks with those of the document (a path in the repository), or writes them there.
    pub fn compare_with(&self, document: &str) -> Result<()> {
        let path = root().join(document);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = self.written_into(&old)?;
        if old == new {
            return Ok(());
        }
        if optional("CAFE24_UPDATE_DOCS").is_some() {
            return fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()));
        }
        Err(Trouble::new(format!(
            "{document} is not what the programs say now; look at the difference, then run this test with \
             CAFE24_UPDATE_DOCS=1 to write it\n{}",
            differences(&old, &new)
        )))
    }

    /// `document` with its blocks replaced. Trouble if it lacks a block, or has one that nobody played.
    fn written_into(&self, document: &str) -> Result<String> {
        let mut left: Vec<_> = self.blocks.keys().collect();
        let mut out = String::new();
        let mut lines = document.lines();
        while let Some(line) = lines.next() {
            let _ = writeln!(out, "{line}");
            let Some(name) = line.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(" -->")) else {
                continue;
            };
            let block = self.blocks.get(name).with_context(|| format!("no test plays the block {name}"))?;
            left.retain(|known| *known != name);
            let fence = lines.next().filter(|line| line.starts_with(FENCE));
            let fence = fence.with_context(|| format!("no {FENCE} under {name}"))?;
            let _ = write!(out, "{fence}\n{block}");
            let end = lines.find(|line| *line == FENCE).with_context(|| format!("no end of {name}"))?;
            let _ = writeln!(out, "{end}");
        }
        if left.is_empty() { Ok(out) } else { Err(Trouble::new(format!("the document lacks {left:?}"))) }
    }

    fn always_the_same(&mut self, text: &str) -> String {
        static STAMP: LazyLock<Regex> =
            LazyLock::new(|| regex(r"(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d+)?(\+09:00|Z)?"));
        static DATE: LazyLock<Regex> = LazyLock::new(|| {
            regex(r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\b(\d{4}-\d{2}-\d{2})\b( \d{2}:\d{2})?")
        });
        static WEEKDAY: LazyLock<Regex> =
            LazyLock::new(|| regex(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{2}-\d{2})\b"));
        // Not the end of a longer date, which is shifted already.
        static SHORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(^|[^\d-])(\d{2}-\d{2}) \d{2}:\d{2}\b"));
        static ID: LazyLock<Regex> =
            LazyLock::new(|| regex(r"\b([0-9a-f]{8})(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?\b"));
        static WORKER: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[0-9a-f]{32}\b"));
        let mut text = text.to_owned();
        for (from, to) in &self.names {
            text = text.replace(from, to);
        }
        let shifted = |date: &str, format: &str| {
            date.parse::<NaiveDate>()
                .map_or_else(|_| date.to_owned(), |date| self.shifted(date).format(format).to_string())
        };
        let stamp = |found: &Captures<'_>| {
            let zone = found.get(2).map_or("", |zone| zone.as_str());
            format!("{}T{TIME}:00{zone}", shifted(&found[1], "%Y-%m-%d"))
        };
        text = STAMP.replace_all(&text, stamp).into_owned();
        let date = |found: &Captures<'_>| {
            let weekday = found[0].starts_with(|c: char| c.is_alphabetic());
            let day = shifted(&found[1], if weekday { "%a %Y-%m-%d" } else { "%Y-%m-%d" });
            let at = |time: &str| if time.starts_with(' ') { format!(" {TIME}") } else { String::new() };
            day + &found.get(2).map_or_else(String::new, |time| at(time.as_str()))
        };
        // A date of a stamp is shifted already: what a stamp left has a `T` behind it.
        text = replace_unless(&text, &DATE, |rest| rest.starts_with('T'), date);
        // A day without a year is one of the last twelve months.
        let with_year = |day: &str| {
            let this_year = format!("{}-{day}", self.today.format("%Y"));
            let ahead = this_year.parse().is_ok_and(|date: NaiveDate| date > self.today + Days::new(31));
            if ahead { format!("{}-{day}", (self.today - Days::new(366)).format("%Y")) } else { this_year }
        };
        let short =
            |found: &Captures<'_>| format!("{}{} {TIME}", &found[1], shifted(&with_year(&found[2]), "%m-%d"));
        text = SHORT.replace_all(&text, short).into_owned();
        let weekday = |found: &Captures<'_>| shifted(&with_year(&found[1]), "%a %m-%d");
        text = WEEKDAY.replace_all(&text, weekday).into_owned();
        text = WORKER.replace_all(&text, "019b8a3c5e7d7f12a4c6d8e0f1b3a597").into_owned();
        let ids = &mut self.ids;
        let id = |found: &Captures<'_>| {
            let told = &found[0];
            // Whole ids of one minute may begin alike; the first digits alone stand for the first that has them.
            let is_short = |id: &str| id.len() == found[1].len();
            let is_known = |known: &String| {
                known == told
                    || is_short(told) && known.starts_with(told)
                    || is_short(known) && told.starts_with(known.as_str())
            };
            let number = ids.iter().position(is_known).unwrap_or_else(|| {
                ids.push(told.to_owned());
                ids.len() - 1
            });
            let rest = found.get(2).map_or("", |_| "-7d3c-4f0a-9b1e-5a2c8e6f4d70");
            format!("{}{rest}", fake_id(number))
        };
        ID.replace_all(&text, id).into_owned()
    }

    fn shifted(&self, date: NaiveDate) -> NaiveDate {
        let by = (date - self.today).num_days();
        if by < 0 { DAY - Days::new(by.unsigned_abs()) } else { DAY + Days::new(by.unsigned_abs()) }
    }
}

/// Replaces what `pattern` finds, unless `spared` says so of what stands behind it.
fn replace_unless(
    text: &str,
    pattern: &Regex,
    spared: impl Fn(&str) -> bool,
    with: impl Fn(&Captures<'_>) -> String,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in pattern.captures_iter(text) {
        let Some(all) = found.get(0) else { continue };
        out.push_str(&text[at..all.start()]);
        out.push_str(&if spared(&text[all.end()..]) { all.as_str().to_owned() } else { with(&found) });
        at = all.end();
    }
    out.push_str(&text[at..]);
    out
}

/// Eight digits that look like an id and are always the same for the same number.
fn fake_id(number: usize) -> String {
    let number = u32::try_from(number).unwrap_or(u32::MAX).wrapping_add(1).wrapping_mul(0x9e37_79b9);
    format!("{:06x}a{:x}", number >> 8, number & 0xf)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

/// Lines that are in one text only.
fn differences(old: &str, new: &str) -> String {
    let only = |from: &str, other: &str, mark: char| {
        let lines = from.lines().filter(|line| !other.lines().any(|known| known == *line));
        lines.fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "{mark} {line}");
            out
        })
    };
    only(old, new, '-') + &only(new, old, '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        Transcript::new("2026-11-25T03:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn times_and_ids_are_the_same_in_every_run_and_keep_their_length() {
        let text = "Wed 2026-11-25 12:00 KST · 2026-11-24 (−1 d) · 11-24 09:10 · Tue 11-24 · 2026-11-25T12:00:01+09:00 · \
                    4bf92f35 4bf92f35-77b3-5da6-a3ce-929d0e0e4736 4bf92f36";
        let same = transcript().always_the_same(text);
        let expected = "Wed 2026-01-14 08:12 KST · 2026-01-13 (−1 d) · 01-13 08:12 · Tue 01-13 · 2026-01-14T08:12:00+09:00 · \
                        9e3779a9 9e3779a9-7d3c-4f0a-9b1e-5a2c8e6f4d70 3c6ef3a2";
        assert_eq!(same, expected);
        assert_eq!(same.chars().count(), text.chars().count());
    }

    #[test]
    fn a_document_shows_what_was_played_and_nothing_else() {
        let mut played = transcript();
        played.add("one", "$ a\nb  \n\n");
        let document = "# T\n\n<!-- journey: one -->\n```console\nold\n```\n\nend\n";
        let written = played.written_into(document).expect("both have one");
        assert_eq!(written, document.replace("old", "$ a\nb"));
        assert!(played.written_into("# T\n").is_err(), "a block that the document lacks");
        assert!(transcript().written_into(document).is_err(), "a block that nobody played");
    }
}
