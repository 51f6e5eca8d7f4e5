//! The contract probe: a dozen calls that show how a mall's API really speaks.
//!
//! Each call takes a token of the mall's bucket, goes through the workers' client, and is looked at, never stored. What is
//! told are statuses, names of headers and keys, and kinds of values; no value leaves this room.
//!
//! - [`plan`]: which calls, and what they cost
//! - `paced`: leave to send, as a worker has it
//! - [`run`](mod@run): the calls, one after the other
//! - [`findings`]: what they showed, against the endpoint table
//! - [`judge`]: how they are judged
//! - [`refused`]: what helps when there is nothing to compare
//! - `questions`: what is not known of the API, and what the calls say to it
//! - [`record`]: the answers with every value replaced, as files

pub(crate) mod findings;

pub(crate) mod judge;

pub(crate) mod paced;

pub(crate) mod plan;

mod questions;

pub(crate) mod record;

pub(crate) mod refused;

pub(crate) mod run;
