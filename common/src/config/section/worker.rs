//! `[worker]`

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::declare::Kind;
use crate::config::reader::Reader;

/// The worker's sizes and times.
#[derive(Debug, Clone, Copy)]
pub struct WorkerConfig {
    /// `slots`.
    pub slots: usize,
    /// `batch_rows`.
    pub batch_rows: usize,
    /// `batch_wait`.
    pub batch_wait: Duration,
    /// `body_max`, in bytes.
    pub body_max: u64,
    /// `drain`.
    pub drain: Duration,
    /// `listen`.
    pub listen: SocketAddr,
    /// `connect_timeout`.
    pub connect_timeout: Duration,
    /// `first_byte_timeout`.
    pub first_byte_timeout: Duration,
    /// `total_timeout`.
    pub total_timeout: Duration,
}

impl WorkerConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let millis = Duration::from_millis;
        let secs = Duration::from_secs;
        r.section("worker", "sizes and times of cafe24-sync-worker");
        Self {
            slots: r.number("worker.slots", "requests under way at once", 32, 1..=1_024),
            batch_rows: r.number(
                "worker.batch_rows",
                "rows after which a batch is written",
                2_000,
                1..=100_000,
            ),
            batch_wait: r.duration(
                "worker.batch_wait",
                "how long a batch waits for company",
                millis(100),
                millis(1)..=secs(10),
            ),
            body_max: r.size(
                "worker.body_max",
                "largest answer, after inflating",
                32 << 20,
                (1 << 10)..=(256 << 20),
            ),
            drain: r.duration(
                "worker.drain",
                "how long SIGTERM waits for what is under way",
                secs(25),
                Duration::ZERO..=secs(300),
            ),
            listen: listen(r, "worker.listen", "/healthz, /readyz, /metrics; port 0 takes any", 9464),
            connect_timeout: r.duration(
                "worker.connect_timeout",
                "until the connection and its TLS stand",
                secs(2),
                millis(100)..=secs(30),
            ),
            first_byte_timeout: r.duration(
                "worker.first_byte_timeout",
                "until the answer's headers",
                secs(15),
                millis(100)..=secs(120),
            ),
            total_timeout: r.duration(
                "worker.total_timeout",
                "until the answer's last byte",
                secs(60),
                millis(100)..=secs(300),
            ),
        }
    }
}

/// An address to listen on; `127.0.0.1` by default, port 0 for any.
pub(super) fn listen(r: &mut Reader, key: &'static str, doc: &'static str, port: u16) -> SocketAddr {
    r.value(
        key,
        doc,
        Kind::TEXT,
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        |text| text.parse().map_err(|_| format!("not an address; write \"127.0.0.1:{port}\"")),
        SocketAddr::to_string,
    )
}
