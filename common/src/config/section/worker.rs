//! `[worker]`

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::reader::Reader;

/// The worker's sizes and times.
#[derive(Debug, Clone, Copy)]
pub struct WorkerConfig {
    /// `slots`: requests in flight at once; 32 (1–1,024).
    pub slots: usize,
    /// `batch_rows`: rows after which a batch is written; 2,000 (1–100,000).
    pub batch_rows: usize,
    /// `batch_wait`: how long a batch waits for company; 100 ms (1 ms–10 s).
    pub batch_wait: Duration,
    /// `body_max`: largest answer in bytes, after inflating; 32 MiB (1 KiB–256 MiB).
    pub body_max: u64,
    /// `drain`: how long SIGTERM waits for what is in flight; 25 s (0–5 min).
    pub drain: Duration,
    /// `listen`: `/healthz`, `/readyz`, `/metrics`; `127.0.0.1:9464`.
    pub listen: SocketAddr,
    /// `connect_timeout`: until the connection and its TLS stand; 2 s (100 ms–30 s).
    pub connect_timeout: Duration,
    /// `first_byte_timeout`: until the answer's headers; 15 s (100 ms–2 min).
    pub first_byte_timeout: Duration,
    /// `total_timeout`: until the answer's last byte; 60 s (100 ms–5 min).
    pub total_timeout: Duration,
}

impl WorkerConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let millis = Duration::from_millis;
        let secs = Duration::from_secs;
        Self {
            slots: r.number("worker.slots", 32, 1..=1_024),
            batch_rows: r.number("worker.batch_rows", 2_000, 1..=100_000),
            batch_wait: r.duration("worker.batch_wait", millis(100), millis(1)..=secs(10)),
            body_max: r.size("worker.body_max", 32 << 20, (1 << 10)..=(256 << 20)),
            drain: r.duration("worker.drain", secs(25), Duration::ZERO..=secs(300)),
            listen: listen(r, "worker.listen", 9464),
            connect_timeout: r.duration("worker.connect_timeout", secs(2), millis(100)..=secs(30)),
            first_byte_timeout: r.duration("worker.first_byte_timeout", secs(15), millis(100)..=secs(120)),
            total_timeout: r.duration("worker.total_timeout", secs(60), millis(100)..=secs(300)),
        }
    }
}

/// An address to listen on; `127.0.0.1` by default, port 0 for any.
pub(super) fn listen(r: &mut Reader, key: &'static str, port: u16) -> SocketAddr {
    r.value(
        key,
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        |text| text.parse().map_err(|_| "not an address; write \"127.0.0.1:9464\"".to_owned()),
        SocketAddr::to_string,
    )
}
