//! Token pairs and app secrets at rest: sealed, replaced by compare-and-set on their version, refreshed under a lease.
//!
//! The adapter of the port `oauth` asks for ([`TokenStore`](crate::oauth::TokenStore)), and what reads and writes sealed
//! secrets beside it; the only place where this room knows that one.

mod apps;
mod at_rest;
mod ending;
mod given;
mod leases;
mod list;
mod rotate;

pub use apps::{AppError, Apps};
pub use at_rest::TokensAtRest;
pub use ending::PairToEnd;
pub use given::GivenPair;
pub use leases::SealedTokenStore;
pub use list::{DueToken, TokenRow};
pub use rotate::{KeyUse, Resealed, Rotation};
