//! The house keeps its order: who may know whom, one TLS stack, and a comment on every column.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tests::harness::{Context as _, Result, World, WorldConfig};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below `folder`, with their text.
fn sources(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry.context("an entry")?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                found.insert(path, text);
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    Ok(found)
}

/// Whether a line of code (not a comment) names `word` as a path.
fn names(text: &str, word: &str) -> bool {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")).any(|line| line.contains(word))
}

#[test]
fn only_its_own_room_speaks_a_drivers_language() -> Result<()> {
    let rooms = [
        ("lapin::", "common/src/broker"),
        ("redis::", "common/src/limiter"),
        ("tokio_postgres::", "common/src/store"),
        ("deadpool_postgres::", "common/src/store"),
        ("sqlx::", "common/src/store"),
    ];
    for folder in ["common/src", "producer/src", "worker/src"] {
        for (path, text) in sources(&root().join(folder))? {
            let shown = path.display().to_string();
            for (word, room) in rooms {
                // `limiter::redis::` is a module of ours, not the driver.
                let text = text.replace("self::redis::", "").replace("super::redis::", "");
                assert!(!names(&text, word) || shown.contains(room), "{shown} says {word}");
            }
            // `notify` calls the operator's own webhook, which is neither Cafe24's API nor its OAuth.
            let http =
                ["api", "oauth", "notify"].iter().any(|room| shown.contains(&format!("common/src/{room}/")));
            assert!(!names(&text, "reqwest::") || http, "{shown} says reqwest::");
        }
    }
    Ok(())
}

#[test]
fn rooms_of_common_know_the_domain_and_not_each_other() -> Result<()> {
    let rooms = ["api", "oauth", "notify", "broker", "limiter", "store"];
    for room in rooms {
        for (path, text) in sources(&root().join("common/src").join(room))? {
            for other in rooms.iter().filter(|other| **other != room) {
                // The one exception: the token store's port is oauth's, its adapter the store's, and what oauth seals for
                // one column only that adapter opens.
                let adapter = path.ends_with("store/tokens.rs")
                    || path.parent().is_some_and(|p| p.ends_with("store/tokens"));
                if room == "store" && *other == "oauth" && adapter {
                    continue;
                }
                assert!(!names(&text, &format!("crate::{other}::")), "{} knows {other}", path.display());
            }
        }
    }
    for (path, text) in sources(&root().join("common/src/domain"))? {
        for word in [
            "crate::store",
            "crate::broker",
            "crate::limiter",
            "crate::api",
            "crate::oauth",
            "crate::config",
            "tokio::",
        ] {
            assert!(!names(&text, word), "{} says {word}", path.display());
        }
    }
    Ok(())
}

#[test]
fn producer_and_worker_do_not_know_each_other() -> Result<()> {
    for (path, text) in sources(&root().join("producer/src"))? {
        assert!(!names(&text, "worker::"), "{}", path.display());
    }
    for (path, text) in sources(&root().join("worker/src"))? {
        assert!(!names(&text, "producer::"), "{}", path.display());
    }
    for (path, text) in sources(&root().join("tests/src/simulator"))? {
        assert!(!names(&text, "common::"), "the oracle shares code: {}", path.display());
    }
    Ok(())
}

#[test]
fn there_is_one_tls_stack_and_one_runtime() -> Result<()> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock")?;
    for crate_name in ["openssl-sys", "native-tls", "aws-lc-rs", "async-std", "smol"] {
        assert!(!lock.contains(&format!("name = \"{crate_name}\"")), "{crate_name} is in Cargo.lock");
    }
    Ok(())
}

#[test]
fn no_source_file_is_too_long_to_read_in_a_sitting() -> Result<()> {
    for folder in ["common/src", "producer/src", "worker/src", "tests/src"] {
        for (path, text) in sources(&root().join(folder))? {
            let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
            assert!(own <= 500, "{} has {own} lines", path.display());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_means() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let sql = "SELECT c.relname::text || coalesce('.' || a.attname, '') \
                 FROM pg_class c \
                 LEFT JOIN LATERAL (SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped \
                                    UNION ALL SELECT 0, NULL) a ON true \
                WHERE c.relnamespace IN ('public'::regnamespace, 'analytics'::regnamespace) AND c.relkind IN ('r', 'v', 'm') AND c.relname <> '_sqlx_migrations' \
                  AND col_description(c.oid, a.attnum) IS NULL AND (a.attnum > 0 OR obj_description(c.oid, 'pg_class') IS NULL)";
    let rows = world.db.client().query(sql, &[]).await.context("the catalogue")?;
    let silent: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(silent.is_empty(), "without a comment: {silent:?}");
    Ok(())
}
