//! The only reader of the environment.

use std::collections::BTreeMap;

/// Variables that others have named, and the keys that they stand for. A `CAFE24_SYNC__…` variable goes before them.
const ALIASES: [(&str, &str); 6] = [
    ("DATABASE_URL", "postgres.url"),
    ("AMQP_URL", "rabbitmq.url"),
    ("REDIS_URL", "redis.url"),
    ("CAFE24_ANALYTICS_CLIENT_ID", "oauth.client_id"),
    ("CAFE24_ANALYTICS_CLIENT_SECRET", "oauth.client_secret"),
    ("CAFE24_ANALYTICS_MALL_ID", "cafe24.mall_id"),
];

/// Begins every variable of our own.
const PREFIX: &str = "CAFE24_SYNC__";

/// A variable that sets a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// The variables of this process that are text.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// `RUST_LOG`, which every Rust program knows; empty means unset.
pub fn rust_log() -> Option<String> {
    variables().find(|(name, value)| name == "RUST_LOG" && !value.is_empty()).map(|(_, value)| value)
}

/// Who works at this terminal, as the system calls them; for the audit log, which trusts the operating system's login.
pub fn login() -> Option<String> {
    let mut named: BTreeMap<String, String> = variables()
        .filter(|(name, value)| (name == "LOGNAME" || name == "USER") && !value.is_empty())
        .collect();
    named.remove("LOGNAME").or_else(|| named.remove("USER"))
}

/// Whether this terminal has a screen on which a browser could open.
pub fn has_screen() -> bool {
    variables().any(|(name, value)| (name == "DISPLAY" || name == "WAYLAND_DISPLAY") && !value.is_empty())
}

/// The keys that an environment sets.
pub(super) fn layer(env: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Variable> {
    let set: BTreeMap<String, String> = env.filter(|(_, value)| !value.is_empty()).collect();
    let mut layer = BTreeMap::new();
    for (alias, key) in ALIASES {
        for (name, key) in
            [(alias.to_owned(), key.to_owned()), (format!("{alias}_FILE"), format!("{key}_file"))]
        {
            if let Some(value) = set.get(&name) {
                layer.insert(key, Variable { name, value: value.clone() });
            }
        }
    }
    for (name, value) in set {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let key = path.to_ascii_lowercase().replace("__", ".");
        if layer.get(&twin(&key)).is_some_and(|other: &Variable| !other.name.starts_with(PREFIX)) {
            layer.remove(&twin(&key));
        }
        layer.insert(key, Variable { name, value });
    }
    layer
}

/// The other form of a key that may be given as a value or as a file: `url` and `url_file`.
pub(super) fn twin(key: &str) -> String {
    key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned)
}
