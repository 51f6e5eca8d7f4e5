//! The findings as text.

use std::fmt::Write;

use super::finding::{Finding, Level};
use crate::output::paint::{bad, command, dim, good, warn};
use crate::output::text::{clean, counted};

/// Where a second finding, or a remedy, begins.
const SECOND: usize = 66;

/// One line a finding; two findings that are well share a line where both are short and the screen is wide.
pub fn text(findings: &[Finding], width: Option<usize>) -> String {
    let mut out = String::new();
    let mut rest = findings.iter().peekable();
    let fits = |second: usize| second < SECOND + 10 && width.is_none_or(|width| SECOND + second <= width);
    while let Some(finding) = rest.next() {
        let line = Line::of(finding);
        if finding.level == Level::Good && line.fits() {
            let next = rest.next_if(|next| next.level == Level::Good && fits(Line::of(next).width));
            if let Some(next) = next {
                let _ =
                    writeln!(out, "{}{:pad$}{}", line.painted, "", Line::of(next).painted, pad = line.pad());
                continue;
            }
        }
        let _ = match &finding.action {
            Some(action) if line.fits() => {
                writeln!(out, "{}{:pad$}→ {}", line.painted, "", command(clean(action)), pad = line.pad())
            }
            Some(action) => writeln!(out, "{}\n{:13}→ {}", line.painted, "", command(clean(action))),
            None => writeln!(out, "{}", line.painted),
        };
    }
    let _ = writeln!(out, "{}", dim(summary(findings)));
    out
}

/// How many there are of each kind.
pub fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

fn summary(findings: &[Finding]) -> String {
    let number = |level, one, many| {
        let count = i64::try_from(count(findings, level)).unwrap_or(i64::MAX);
        (count > 0).then(|| counted(count, one, many))
    };
    let parts: Vec<_> =
        [number(Level::Problem, "problem", "problems"), number(Level::Warning, "warning", "warnings")]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() { "all well".to_owned() } else { parts.join(", ") }
}

struct Line {
    painted: String,
    width: usize,
}

impl Line {
    fn of(finding: &Finding) -> Self {
        let body = format!("{:<10} {}", finding.check, clean(&finding.what));
        let mark = match finding.level {
            Level::Good => good("✓").to_string(),
            Level::Note => dim("·").to_string(),
            Level::Warning => warn("!").to_string(),
            Level::Problem => bad("✗").to_string(),
        };
        Self { width: 2 + body.chars().count(), painted: format!("{mark} {body}") }
    }

    fn fits(&self) -> bool {
        self.width < SECOND
    }

    fn pad(&self) -> usize {
        SECOND.saturating_sub(self.width)
    }
}
