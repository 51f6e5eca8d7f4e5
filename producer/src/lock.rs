//! The lock that one process holds while it leads: the daemon has its duties by it, a command feeds by it.

/// Its name in the database.
pub(crate) const LOCK: &str = "producer";

/// How this process is told from others that may lead: host and process id.
pub(crate) fn instance() -> String {
    format!("{}:{}", common::process::host(), std::process::id())
}
