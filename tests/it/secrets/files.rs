//! Files that hold secrets on purpose, readable by their user alone. All other files of a run are searched.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tests::harness::{Context as _, Result, Webhook};

use super::random;

/// Made by the harness.
pub(super) const KEY: &str = "master.key";
/// Made by the harness: the malls' first pairs.
pub(super) const MALLS: &str = "malls.jsonl";
pub(super) const APP_SECRET: &str = "app.secret";
const WEBHOOK: &str = "webhook.url";
const BROKEN_KEY: &str = "broken.key";
const BROKEN_WEBHOOK: &str = "broken.url";

/// Every such file.
pub(super) const ALL: [&str; 6] = [KEY, MALLS, APP_SECRET, WEBHOOK, BROKEN_KEY, BROKEN_WEBHOOK];

/// What the test gives the programs besides, and what is in it.
pub(super) struct SecretFiles {
    pub(super) webhook: PathBuf,
    pub(super) broken_key: PathBuf,
    pub(super) broken_webhook: PathBuf,
    /// On stdin, so in no file at all.
    pub(super) typed: String,
    /// Each secret by what it is.
    pub(super) known: Vec<(&'static str, String)>,
}

impl SecretFiles {
    pub(super) fn write(folder: &Path, app_secret: &str, webhook: &Webhook) -> Result<Self> {
        let (typed, key, token) = (format!("typed/+={}", random()), format!("zz{}", random()), random());
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| writeln!(file, "{text}")).with_context(|| name.to_owned())?;
            Ok(path)
        };
        write(APP_SECRET, app_secret)?;
        Ok(Self {
            webhook: write(WEBHOOK, webhook.url())?,
            broken_key: write(BROKEN_KEY, &key)?,
            // No host, a scheme that nobody speaks.
            broken_webhook: write(BROKEN_WEBHOOK, &format!("hook:///services/{token}"))?,
            known: vec![
                ("the secret of an app from a file", app_secret.to_owned()),
                ("the secret of an app from stdin", typed.clone()),
                ("a master key that is none", key),
                ("the token of the webhook", webhook.token().to_owned()),
                ("the token of a webhook that is none", token),
            ],
            typed,
        })
    }
}
