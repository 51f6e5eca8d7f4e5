//! `init`: an annotated configuration and a master key, without touching what is there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use common::config::Config;
use common::oauth::generate_key;

use crate::fault::{Exit, Fault};
use crate::output::Output;
use crate::output::paint::good;

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
    write(&config, 0o644, &annotated(&place)?)?;
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

/// The annotated example, with the key's place set.
fn annotated(key: &Path) -> Result<String, Fault> {
    let quoted = key.display().to_string().replace('\\', r"\\").replace('"', "\\\"");
    let text = Config::example().map_err(Fault::Config)?;
    let set =
        |line: &str| match line.strip_prefix("# master_key_file = ").and_then(|rest| rest.split_once('#')) {
            Some((_, note)) => format!("master_key_file = \"{quoted}\"  #{note}\n"),
            None => format!("{line}\n"),
        };
    Ok(text.lines().map(set).collect())
}

#[cfg(test)]
mod tests {
    use common::config::Origin;

    use super::*;

    #[test]
    fn the_written_configuration_is_valid_and_names_the_key() {
        let key = std::env::temp_dir().join(format!("cafe24-sync-init-{}.key", std::process::id()));
        let _earlier = std::fs::remove_file(&key);
        write(&key, 0o600, generate_key().expose()).expect("written");
        let text = annotated(&key).expect("an example");
        let config = Config::from_parts(&text, std::iter::empty()).expect("valid");
        std::fs::remove_file(&key).expect("removed");
        let set: Vec<_> =
            config.keys.iter().filter(|info| info.origin != Origin::Default).map(|info| info.key).collect();
        assert_eq!(set, ["oauth.master_key"]);
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
}
