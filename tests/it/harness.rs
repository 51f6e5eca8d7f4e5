//! The harness itself: what tests stand on must stand.

mod clock;
mod network;
mod servers;
mod smoke;
