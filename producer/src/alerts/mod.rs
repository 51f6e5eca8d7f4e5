//! Alerts: one a cause, not one a mall.
//!
//! Two tasks of the daemon's leader. One looks at the tables every few seconds (`watch`): it opens an alert for each
//! cause that is new, renews those that hold, and closes those that are gone. The other (`courier`) takes what has to
//! be told from the table of alerts and sends it: at the opening, at the end, and once a day while it is open. What was
//! told stands in the table, so a restart tells nothing twice; a webhook that does not answer is tried again with
//! growing waits, and nobody else waits for it.
//!
//! `words` puts a cause into words, with its remedy.

mod courier;

mod watch;

mod words;

pub(crate) use courier::{trial, webhook};
pub(crate) use watch::Alerts;
