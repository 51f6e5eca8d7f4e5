//! The configuration. A wrong one never comes so far: it is refused before anything is looked at.

use common::config::{Config, Origin};

use super::finding::Finding;
use crate::output::text::counted;

pub(super) const NAME: &str = "config";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let count = |wanted: fn(&Origin) -> bool| {
        let count = config.keys.iter().filter(|info| wanted(&info.origin)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let keys = counted(count(|_| true), "key", "keys");
    let (file, env) =
        (count(|o| matches!(o, Origin::File { .. })), count(|o| matches!(o, Origin::Env { .. })));
    let mut findings =
        vec![Finding::good(NAME, format!("{keys}, {file} from the file, {env} from the environment"))];
    findings.extend(config.warnings.iter().map(|warning| match warning.split_once(" → ") {
        Some((what, action)) => Finding::warning(NAME, what, action),
        None => Finding::warning(NAME, warning, "cafe24-sync config check"),
    }));
    findings
}
