//! What an import came to, or would.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use common::domain::ids::MallId;
use common::store::{ConnectorState, Imported, Mode, PairOutcome};
use serde::Serialize;

use crate::command::malls::differences::differences;
use crate::output::paint::{good, warn};
use crate::output::text::{clean, counted, number};

/// Malls named in a line.
const NAMED: usize = 5;
/// Kinds of changes told; the others are counted.
const TOLD: usize = 20;

#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    malls: usize,
    new: usize,
    /// Whose pair was taken from the file.
    with_tokens: usize,
    /// Whose pair is newer than the file's, and stays.
    keeps_tokens: Vec<MallId>,
    /// What known malls have otherwise than before, most malls first.
    changes: Vec<Change>,
    /// Whose purposes, or what says so, are not as before.
    purposes_changed: Vec<MallId>,
    /// Imported, but nothing is sent for them: no tokens yet.
    needs_consent: Vec<MallId>,
    /// Imported, but their consent lacks the scope.
    needs_scope: Vec<MallId>,
    /// Their mode sends nothing.
    silent: Vec<MallId>,
    dry_run: bool,
}

/// One change of a setting, and whose.
#[derive(Debug, Serialize)]
struct Change {
    setting: &'static str,
    before: String,
    after: String,
    malls: Vec<MallId>,
}

impl Report {
    pub(super) fn of(imported: &[Imported], dry_run: bool) -> Self {
        let mut report = Self { malls: imported.len(), dry_run, ..Self::default() };
        let mut changes: BTreeMap<_, Vec<MallId>> = BTreeMap::new();
        for mall in imported {
            report.note(mall);
            let changed = mall.before.iter().flat_map(|before| differences(before, &mall.after));
            for change in changed {
                changes.entry(change).or_default().push(mall.after.mall_id.clone());
            }
        }
        let change = |((setting, before, after), malls)| Change { setting, before, after, malls };
        report.changes = changes.into_iter().map(change).collect();
        report.changes.sort_by_key(|change| Reverse(change.malls.len()));
        report
    }

    fn note(&mut self, mall: &Imported) {
        let after = &mall.after;
        let id = &after.mall_id;
        self.with_tokens += usize::from(mall.pair == PairOutcome::Taken);
        self.new += usize::from(mall.before.is_none());
        if mall.pair == PairOutcome::Older {
            self.keeps_tokens.push(id.clone());
        }
        if mall.approvals_changed {
            self.purposes_changed.push(id.clone());
        }
        match after.state {
            ConnectorState::NeedsConsent if !after.has_tokens => self.needs_consent.push(id.clone()),
            ConnectorState::NeedsScope => self.needs_scope.push(id.clone()),
            _ => {}
        }
        if after.mode != Mode::Api {
            self.silent.push(id.clone());
        }
    }

    pub(super) fn text(&self) -> String {
        let verb = if self.dry_run { "would be imported" } else { "imported" };
        let mut out = format!(
            "{} {} {verb}: {} new, {} known · {} with new tokens\n",
            good("✓"),
            malls(self.malls),
            number(of(self.new)),
            number(of(self.malls - self.new)),
            number(of(self.with_tokens))
        );
        for Change { setting, before, after, malls: whose } in self.changes.iter().take(TOLD) {
            let (before, after) = (clean(before), clean(after));
            let _ = writeln!(out, "  {}: {setting} {before} → {after}", malls(whose.len()));
        }
        if self.changes.len() > TOLD {
            let _ = writeln!(out, "  and {} more, all with --json", changes(self.changes.len() - TOLD));
        }
        if !self.purposes_changed.is_empty() {
            let _ = writeln!(out, "  {}: purposes, or their approvals", malls(self.purposes_changed.len()));
        }
        if !self.keeps_tokens.is_empty() {
            let verb = if self.keeps_tokens.len() == 1 { "keeps" } else { "keep" };
            let _ = writeln!(
                out,
                "{} {} {verb} newer tokens than the file's: {} → cafe24-sync connect MALL if they do not work",
                warn("!"),
                malls(self.keeps_tokens.len()),
                named(&self.keeps_tokens)
            );
        }
        let lines = [
            (&self.needs_consent, "no tokens yet → cafe24-sync connect MALL"),
            (&self.needs_scope, "the scope is missing → cafe24-sync connect MALL"),
            (&self.silent, "mode is not 'api': nothing is sent"),
        ];
        for (whose, what) in lines.iter().filter(|(whose, _)| !whose.is_empty()) {
            let _ = writeln!(out, "{} {}: {what}", warn("!"), named(whose));
        }
        out
    }
}

fn named(whose: &[MallId]) -> String {
    let named: Vec<&str> = whose.iter().take(NAMED).map(MallId::as_str).collect();
    let more = match whose.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {} more", number(of(more))),
    };
    format!("{}{more}", named.join(", "))
}

fn malls(count: usize) -> String {
    counted(of(count), "mall", "malls")
}

fn changes(count: usize) -> String {
    counted(of(count), "kind of change", "kinds of changes")
}

fn of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
