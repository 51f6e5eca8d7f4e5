//! Free ports that stay free while their server is down.

use std::net::{Ipv4Addr, TcpListener};

use super::trouble::{Result, Trouble};

/// Below the kernel's range for outgoing connections (32768 and up), so that no connection takes the port of a
/// server that is just being restarted.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const TRIES: u32 = 200;

/// The first of `count` free loopback ports in a row.
pub fn free_ports(count: u16) -> Result<u16> {
    (0..TRIES)
        .map(|_| rand::random_range(RANGE.start..RANGE.end - count))
        .find(|first| (*first..first + count).all(is_free))
        .ok_or_else(|| Trouble::new("no free ports on the loopback"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
