//! Tells people: an alert goes to a webhook, as Slack takes it or as plain JSON.
//!
//! The address is a secret (who has it can post): it stands in no error and no log. A call is short, follows no
//! redirect, and reads nothing of the answer but its status; whether and when it is made again is the caller's.

mod client;

mod error;

mod message;

pub use client::{Form, Webhook};
pub use error::NotifyError;
pub use message::{Event, Message};
