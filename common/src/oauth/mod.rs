//! Access tokens for malls: consent, exchange, refresh, and their sealed storage.
//!
//! The hard part is the refresh. A mall's refresh token works **once**: whoever uses it gets a new pair, and the old
//! pair is dead at once. Two processes that refresh at the same time, or one that dies between the answer and the
//! store, cost the mall its consent, which only a person can give again. Hence three rules (`docs/live-api.md` §7, 1–4, 8):
//!
//! 1. *One refresh of a mall at a time, over all processes.* Who refreshes takes a lease first ([`lease`]); the others
//!    wait for the newer pair and use it. The lease is committed before the call, so it is the intent as well: the loss of a
//!    rotation is known, with its time. No connection of the database is held during a call.
//!    Inside a process [`TokenKeeper`] lets one task a mall ask; fifty jobs make one call to the database.
//! 2. *Stored before used.* A new pair is stored by compare-and-set on the version, for as long as the process lives; if it
//!    must end before, the pair goes into a sealed file that the next start takes up ([`Spool`]).
//! 3. *Only an OAuth error answer is final.* A timeout tries the same refresh token again; a 401 of the API overrules
//!    every stored expiry, but a stored pair newer than the refused one is used before anything is refreshed.
//!
//! At rest a pair is [`Sealed`]; nothing else of it can be serialised.

mod token;

mod keys;

mod seal;

mod app;

mod client;

mod once;

mod probe;

mod error;

mod store;

pub mod lease;

mod flight;

mod spool;

mod desk;

mod keeper;

#[cfg(test)]
mod tests;

pub use app::{App, AppCredentials};
pub use client::{BuildError, OAuthClient, OAuthTimeouts};
pub use error::{DeathCause, OAuthError, TokenError, TokenStoreError};
pub use keeper::{FreshToken, TokenKeeper};
pub use keys::{InvalidKey, generate_key};
pub use once::OneTime;
pub use probe::{Unanswered, probe};
pub use seal::{Place, SealError, Sealed, Sealer};
pub use spool::{Spool, SpoolError, Waiting};
pub use store::{Keep, StoredTokens, Taken, TokenStore};
pub use token::{AccessToken, InvalidAnswer, RefreshToken, TokenPair};
