//! A mall's consent, from the question to the stored tokens.
//!
//! ```text
//! connect MALL                  the daemon                               Cafe24
//! row with sha256(ticket) ───►  GET /oauth/start/{ticket}
//!                               state and cookie, their sha256 in the row
//!                               303 ───────────────────────────────────► authorize?state=…
//!                               GET /oauth/callback?code=…&state=… ◄──── Allow
//!                               believe, use up, exchange ─────────────► token
//! ✓ ◄── NOTIFY ───────────────  store pair, state, end and audit at once
//! ```
//!
//! Anybody on the net can send a callback. It is believed if its state is one that we gave out, is in time, was never
//! used, and comes from the browser that opened the link; in this order, and before anything else in it is looked at
//! ([`common::domain::consent`]). What is not believed changes nothing but the audit log. What is believed is used up by
//! one statement, then the code is exchanged at once, since it lives a minute; the tokens that come back are stored only
//! if they are the asked mall's and have the scope, so that a worse consent never replaces a better one.
//!
//! The answer of a callback is always a redirect to a page of ours without the code, so that it is neither kept in the
//! browser's history nor sent by a reload. No address of a redirect comes from a request.

mod answer;

mod settle;

mod cookie;

mod ending;

mod language;

mod page;

mod refusals;

mod web;

pub(crate) use answer::{Answer, pasted};
pub(crate) use ending::{After, Ended, Ending, NotEnded};
pub(crate) use settle::{NotReady, Settler};
pub(crate) use web::{PING, PING_PATH, Web, origin};
