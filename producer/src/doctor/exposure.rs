//! What can be reached from elsewhere.

use common::config::Config;

use super::finding::Finding;

pub(super) const NAME: &str = "exposure";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let ports = [
        ("serve.listen", config.serve.listen, "the daemon's pages"),
        ("worker.listen", config.worker.listen, "a worker's pages"),
    ];
    let open: Vec<Finding> = ports
        .iter()
        .filter(|(_, address, _)| !address.ip().is_loopback())
        .map(|(key, address, what)| {
            let what = format!("{what} listen on {address}, without a login");
            Finding::warning(NAME, what, format!("set {key} to 127.0.0.1, or let a firewall keep others out"))
        })
        .collect();
    if open.is_empty() {
        return vec![Finding::good(NAME, "pages and metrics only for this machine")];
    }
    open
}
