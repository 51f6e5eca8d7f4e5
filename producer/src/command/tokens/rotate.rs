//! `tokens rotate-key`: everything sealed by another key than the first one is sealed again.
//!
//! The order that is safe: put the new key first (`--new-key`), let this command seal everything with it, remove the keys
//! that it calls unused. Running programs follow the file, so that both keys are open during the change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use common::clock::now;
use common::config::Secret;
use common::domain::calendar::kst_day;
use common::oauth::{Sealer, Spool, generate_key};
use common::store::{AuditEntry, KeyUse, Rotation};
use serde_json::json;

use crate::command::again;
use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;
use crate::output::paint::{good, warn};
use crate::output::progress::Progress;
use crate::output::text::{counted, number};

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) new_key: bool,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

/// What came of it.
#[derive(Debug)]
struct Report {
    first: String,
    pairs: usize,
    apps: usize,
    /// Changed by somebody else meanwhile.
    changed: usize,
    unopened: Vec<String>,
    by_key: BTreeMap<String, i64>,
    /// Pairs in the spool of this machine that wait for a database, by key; or why it cannot be read.
    spooled: Result<BTreeMap<String, i64>, String>,
    /// Keys of the file that seal nothing any more.
    unused: Vec<String>,
}

pub(super) async fn run(context: &Context, wanted: Wanted) -> Result<Exit, Fault> {
    let sealer = context.sealer()?;
    let control = context.database().await?;
    let rotation = Rotation::new(control.clone(), Arc::clone(&sealer));
    let used = rotation.key_use().await.map_err(|error| context.store(error))?;
    let file = match (&context.config.oauth.master_key_file, wanted.new_key) {
        (Some(file), true) => Some(file.as_path()),
        (None, true) => return Err(Fault::KeyNotInFile),
        (_, false) => None,
    };
    let total: i64 = used.by_key.values().sum();
    let due = if file.is_some() { total } else { used.due };
    let plan = plan(&used, file, due);
    if wanted.dry_run {
        return shown(context, &plan, &used, due);
    }
    if !wanted.yes && (due > 0 || file.is_some()) {
        let ask = Ask {
            plan: &plan,
            why: "every stored secret is sealed again".to_owned(),
            with: &["--yes"],
            question: Question::Words("go on?"),
            declined: "nothing was changed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    if let Some(file) = file {
        let path = file.display().to_string();
        put_first(file, &generate_key()).map_err(|error| Fault::File { path, problem: error.to_string() })?;
        let first = first(&sealer);
        let entry = AuditEntry {
            actor: &Context::actor(),
            action: "tokens.new-key",
            mall: None,
            target: &first,
            plan: None,
            details: json!({ "file": file }),
        };
        control.audit(&entry).await.map_err(|error| context.store_after(error, NEW_KEY_STANDS))?;
    }
    let report = seal_again(context, &rotation, &sealer, due).await?;
    say(context, &report)
}

const NEW_KEY_STANDS: &str = "what was sealed again stays so; run this command again without --new-key";

async fn seal_again(
    context: &Context,
    rotation: &Rotation,
    sealer: &Arc<Sealer>,
    due: i64,
) -> Result<Report, Fault> {
    let failed = |error| context.store_after(error, NEW_KEY_STANDS);
    let actor = Context::actor();
    let mut report = Report::new(first(sealer));
    let mut progress = Progress::new(context.output, "rotate-key");
    let apps = rotation.apps(&actor).await.map_err(failed)?;
    (report.apps, report.changed) = (apps.done, apps.changed);
    report.unopened = apps.unopened;
    let mut after = None;
    loop {
        let batch = rotation.pairs(after.as_ref(), &actor).await.map_err(failed)?;
        report.pairs += batch.done;
        report.changed += batch.changed;
        report.unopened.extend(batch.unopened);
        let done = i64::try_from(report.pairs + report.apps).unwrap_or(i64::MAX);
        progress.show(done, due, &format!("{} of {} sealed again", number(done), number(due)));
        after = batch.next;
        if after.is_none() {
            break;
        }
    }
    drop(progress);
    let used = rotation.key_use().await.map_err(failed)?;
    let spool = Spool::new(context.config.oauth.spool_dir.clone(), Arc::clone(sealer));
    report.spooled = spool.keys().map_err(|error| error.to_string());
    report.by_key = used.by_key;
    report.unused = sealer.key_ids().into_iter().skip(1).filter(|id| !report.needs(id)).collect();
    Ok(report)
}

fn first(sealer: &Sealer) -> String {
    sealer.key_ids().into_iter().next().unwrap_or_default()
}

fn plan(used: &KeyUse, new_in: Option<&Path>, due: i64) -> String {
    let mut text = String::new();
    if let Some(file) = new_in {
        let _ = writeln!(text, "a new key is put first in {} (0600); keep a copy of it", file.display());
    }
    let _ = writeln!(text, "{} to be sealed again with the first key", counted(due, "secret", "secrets"));
    for (key, count) in &used.by_key {
        let _ = writeln!(text, "  key {key}  {}", counted(*count, "secret", "secrets"));
    }
    text
}

fn shown(context: &Context, plan: &str, used: &KeyUse, due: i64) -> Result<Exit, Fault> {
    if context.output.is_for_programs() {
        let content = json!({ "due": due, "keys": used.by_key, "dry_run": true });
        context.output.document(&Document::new(content, now()))?;
    } else {
        context.output.answer(&format!("{plan}run it: {}\n", again(&["--yes"])))?;
    }
    Ok(Exit::Done)
}

fn say(context: &Context, report: &Report) -> Result<Exit, Fault> {
    if context.output.is_for_programs() {
        let content = json!({
            "first_key": report.first, "pairs": report.pairs, "apps": report.apps, "changed": report.changed,
            "unopened": report.unopened, "keys": report.by_key, "spooled": report.spooled.as_ref().ok(),
            "unused_keys": report.unused,
        });
        context.output.document(&Document::new(content, now()))?;
    } else {
        context.output.answer(&report.text())?;
    }
    Ok(if report.unopened.is_empty() { Exit::Done } else { Exit::Partial })
}

impl Report {
    fn new(first: String) -> Self {
        Self {
            first,
            pairs: 0,
            apps: 0,
            changed: 0,
            unopened: Vec::new(),
            by_key: BTreeMap::new(),
            spooled: Ok(BTreeMap::new()),
            unused: Vec::new(),
        }
    }

    /// Whether something is still sealed with this key, or may be.
    fn needs(&self, key: &String) -> bool {
        self.by_key.contains_key(key) || self.spooled.as_ref().map_or(true, |keys| keys.contains_key(key))
    }

    fn text(&self) -> String {
        let of = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let sign = if self.unopened.is_empty() { good("✓") } else { warn("!") };
        let mut out = format!(
            "{sign} sealed again with key {}: {} and {}\n",
            self.first,
            counted(of(self.pairs), "pair of tokens", "pairs of tokens"),
            counted(of(self.apps), "app secret", "app secrets")
        );
        if self.changed > 0 {
            let were = counted(of(self.changed), "was", "were");
            let _ = writeln!(out, "  {were} renewed meanwhile by a running program");
        }
        if !self.unopened.is_empty() {
            let named: Vec<&str> = self.unopened.iter().map(String::as_str).take(5).collect();
            let count = counted(of(self.unopened.len()), "secret", "secrets");
            let named = named.join(", ");
            let _ = writeln!(
                out,
                "  {count} cannot be opened (their key is missing, or they were changed): {named}"
            );
        }
        match &self.spooled {
            Ok(keys) => {
                for (key, count) in keys.iter().filter(|(key, _)| **key != self.first) {
                    let wait = counted(*count, "pair waits", "pairs wait");
                    let _ = writeln!(
                        out,
                        "  {wait} in the spool with key {key}: keep it until a program has taken them up"
                    );
                }
            }
            Err(error) => {
                let _ = writeln!(
                    out,
                    "  the spool cannot be read ({error}): keep every key that may seal a pair there"
                );
            }
        }
        if self.unused.is_empty() {
            out += "  every key of the file is in use\n";
        } else {
            let keys = self.unused.join(", key ");
            let _ = writeln!(out, "  no longer used, may be removed from the file: key {keys}");
        }
        out
    }
}

/// Puts `key` first in the file, for its owner's eyes only; whoever reads it meanwhile sees the old file or the new one.
fn put_first(file: &Path, key: &Secret) -> io::Result<()> {
    let file = file.canonicalize()?;
    let before = Secret::new(std::fs::read_to_string(&file)?);
    let day = kst_day(now());
    let text = Secret::new(format!("# {day}\n{}\n{}", key.expose(), before.expose()));
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = out.write_all(text.expose().as_bytes()).and_then(|()| out.sync_all());
    if let Err(error) = written.and_then(|()| std::fs::rename(&draft, &file)) {
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    match file.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::golden::golden;

    #[test]
    fn a_rotation_says_which_keys_may_go() {
        let report = Report {
            first: "5298d884".to_owned(),
            pairs: 1_204,
            apps: 1,
            changed: 2,
            unopened: Vec::new(),
            by_key: BTreeMap::from([("5298d884".to_owned(), 1_205)]),
            spooled: Ok(BTreeMap::from([("77aa01fe".to_owned(), 2)])),
            unused: vec!["0a1b2c3d".to_owned()],
        };
        golden("tokens_rotate", |_| report.text());
        assert!(report.needs(&"77aa01fe".to_owned()) && !report.needs(&"0a1b2c3d".to_owned()));
        let blind = Report { spooled: Err("Permission denied".to_owned()), ..report };
        assert!(blind.needs(&"0a1b2c3d".to_owned()), "who cannot look says of no key that it may go");
    }

    #[test]
    fn a_new_key_stands_before_the_old_ones_which_stay() {
        let path = std::env::temp_dir().join(format!("cafe24-sync-rotate-{}.key", std::process::id()));
        let (old, new) = (generate_key(), generate_key());
        std::fs::write(&path, format!("# ours\n{}\n", old.expose())).expect("written");
        put_first(&path, &new).expect("put");
        let text = Secret::new(std::fs::read_to_string(&path).expect("there"));
        let ids = |text: &Secret| Sealer::from_keys(text).expect("keys").key_ids();
        assert_eq!(ids(&text), [ids(&new), ids(&old)].concat());
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(&path).expect("ours");
    }
}
