//! The harness itself: what tests stand on must stand.

mod network;
mod servers;
mod smoke;
