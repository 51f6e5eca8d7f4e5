//! `init`: an annotated configuration and a master key, without touching what is there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use common::oauth::generate_key;

use crate::fault::{Exit, Fault};
use crate::output::Output;
use crate::output::paint::good;

/// The annotated configuration; `{master_key}` is where the key is.
const TEMPLATE: &str = include_str!("init/cafe24-sync.toml");

pub(super) fn run(output: Output, dir: &Path) -> Result<Exit, Fault> {
    let config = dir.join("cafe24-sync.toml");
    let key = dir.join("master.key");
    // Both or none: a key that no configuration names would only lie about.
    for path in [&config, &key] {
        if path.exists() {
            return Err(fault(path, "is there already; nothing was written"));
        }
    }
    std::fs::create_dir_all(dir).map_err(|error| fault(dir, &error.to_string()))?;
    let place = std::path::absolute(&key).unwrap_or_else(|_| key.clone());
    let secret = generate_key();
    write(&key, 0o600, &format!("{}\n", secret.expose()))?;
    let quoted = place.display().to_string().replace('\\', r"\\").replace('"', "\\\"");
    write(&config, 0o644, &TEMPLATE.replace("{master_key}", &quoted))?;
    output.answer(&format!(
        "{} {}\n{} {} (0600): seals the malls' tokens; keep a copy, without it they are lost\n",
        good("✓"),
        config.display(),
        good("✓"),
        key.display()
    ))?;
    output.note("next: fill in the three servers and the app, then  cafe24-sync config check && cafe24-sync db migrate");
    Ok(Exit::Done)
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), Fault> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => fault(path, "is there already; it was left as it is"),
        _ => fault(path, &format!("cannot be written: {error}")),
    })
}

fn fault(path: &Path, problem: &str) -> Fault {
    Fault::File { path: path.display().to_string(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use common::config::Config;

    use super::*;

    #[test]
    fn the_annotated_configuration_is_valid() {
        let text = TEMPLATE.replace("master_key_file = \"{master_key}\"", "");
        let config = Config::from_parts(&text, std::iter::empty()).expect("valid");
        assert!(config.oauth.client_id.is_none());
        // What is shown as a default is the default: with every comment taken away it is still valid.
        let all: String =
            text.lines().map(|line| line.strip_prefix("#= ").unwrap_or(line).to_owned() + "\n").collect();
        let changed: Vec<_> = Config::from_parts(&all, std::iter::empty()).expect("valid").keys;
        for (shown, default) in changed.iter().zip(&config.keys) {
            assert_eq!(shown.value, default.value, "{}", shown.key);
        }
    }
}
