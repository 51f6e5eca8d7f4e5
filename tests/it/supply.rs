//! What we ship keeps to `deny.toml`, and whatever does not is found.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::harness::{Context as _, Result};

fn check(arguments: &[&str]) -> Result<Output> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join("deploy/dev/check-supply.sh");
    Command::new(script).arg(&root).args(arguments).output().context("check-supply.sh")
}

/// A package as `cargo metadata` tells it, with nothing to object to.
fn package(name: &str, version: &str) -> Value {
    json!({
        "name": name, "version": version, "license": "MIT OR Apache-2.0",
        "source": "registry+https://github.com/rust-lang/crates.io-index", "targets": [{"kind": ["lib"]}],
    })
}

/// The check of these packages alone.
fn check_of(packages: &[Value]) -> Result<Output> {
    let dir =
        std::env::temp_dir().join(format!("supply-{}-{:08x}", std::process::id(), rand::random::<u32>()));
    fs::create_dir_all(&dir).context("a folder")?;
    let (metadata, tree) = (dir.join("metadata"), dir.join("tree"));
    fs::write(&metadata, json!({ "packages": packages }).to_string()).context("metadata")?;
    let line = |package: &Value| {
        format!(
            "{} v{} (registry)\n",
            package["name"].as_str().unwrap_or(""),
            package["version"].as_str().unwrap_or("")
        )
    };
    fs::write(&tree, packages.iter().map(line).collect::<String>()).context("tree")?;
    let said = check(&[&metadata.to_string_lossy(), &tree.to_string_lossy()]);
    fs::remove_dir_all(&dir).context("a folder")?;
    said
}

/// Whether this machine's Python reads TOML; without it the check says so and passes.
fn is_checked() -> Result<bool> {
    let said = Command::new("python3").args(["-c", "import tomllib"]).output().context("python3")?;
    Ok(said.status.success())
}

#[test]
fn x07_what_we_ship_keeps_to_the_rules() -> Result<()> {
    let said = check(&[])?;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    if !is_checked()? {
        assert!(String::from_utf8_lossy(&said.stderr).contains("is not checked"), "{said:?}");
        return Ok(());
    }
    let counted = String::from_utf8_lossy(&said.stdout).into_owned();
    let packages: usize = counted.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    assert!(packages > 200 && counted.contains(" 0 problems"), "{counted}");
    Ok(())
}

#[test]
fn x07_a_planted_violation_fails_the_check() -> Result<()> {
    let is_checked = is_checked()?;
    let violations = [
        ("rustls", "0.23.15", json!({}), "RUSTSEC-2024-0399"),
        // One that no version mends.
        ("rsa", "0.9.6", json!({}), "RUSTSEC-2023-0071"),
        ("openssl-sys", "0.9.109", json!({}), "is banned: one TLS stack"),
        ("fine", "1.0.0", json!({"license": "MIT AND AGPL-3.0-only"}), "is under MIT AND AGPL-3.0-only"),
        ("fine", "1.0.0", json!({"license": null}), "names no licence"),
        ("fine", "1.0.0", json!({"source": "git+https://example.org/fine"}), "not from crates.io"),
        ("fine", "1.0.0", json!({"targets": [{"kind": ["custom-build"]}]}), "while it is built"),
    ];
    for (name, version, change, told) in violations.into_iter().filter(|_| is_checked) {
        let mut planted = package(name, version);
        for (key, value) in change.as_object().into_iter().flatten() {
            planted[key] = value.clone();
        }
        let said = check_of(&[package("good", "1.2.3"), planted])?;
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{told}: {errors}");
        assert_eq!(errors.matches("error: ").count(), 1, "{told}: {errors}");
        assert!(errors.contains(told), "{told}: {errors}");
    }
    Ok(())
}

#[test]
fn x07_what_is_no_violation_passes() -> Result<()> {
    let fine = [
        ("rustls", "0.23.18", "MIT"),
        // Before the fault came in.
        ("rustls", "0.23.12", "Apache-2.0 OR ISC OR MIT"),
        ("fine", "1.0.0", "GPL-3.0-only OR MIT"),
        // A slash was an OR once.
        ("fine", "1.0.0", "GPL-2.0/MIT"),
        ("fine", "1.0.0", "(Apache-2.0 WITH LLVM-exception OR MIT) AND Unicode-3.0"),
    ];
    for (name, version, license) in fine {
        let mut package = package(name, version);
        package["license"] = license.into();
        let said = check_of(&[package])?;
        assert!(said.status.success(), "{license}: {}", String::from_utf8_lossy(&said.stderr));
    }
    Ok(())
}
