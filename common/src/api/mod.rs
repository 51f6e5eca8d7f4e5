//! The door to the analytics API: one request in, one page of rows or one [`FetchError`] out.
//!
//! Nothing here knows an endpoint by name. The request's path and parameters, the wrapper, the fields and the columns
//! come from the table in [`domain::endpoint`](crate::domain::endpoint); a new endpoint is a new entry there.
//!
//! What an answer must be, before one row of it is believed: complete (a cut body is never decoded), no larger than the
//! limits after inflating, JSON with the declared wrapper, every required field present and of its type, numbers exact,
//! every day a period start inside the chunk, no entity with two truths. Anything else is an error, **never zero rows**.
//! The class of the error alone decides what happens to the job (`domain::failure`); its [`Evidence`] goes to the archive.
//!
//! Read in this order: `request`, `settings`, `client`, `body`, `decode` (with `decoder`, `violation`, `row`, `value`, `number`, `text`), `page`, `pages`, `status`,
//! `error`.
//! `look` and [`contract`] are the probe's: they say how an answer is made, and keep nothing of what it says.

mod request;

mod settings;

mod client;

mod body;

mod decode;

mod decoder;

mod violation;

mod row;

mod sum;
mod value;

mod number;

mod text;

mod page;

mod pages;

mod headers;

mod network;
mod status;

mod strike;

mod look;

pub mod contract;

mod error;

#[cfg(test)]
mod tests;

pub use client::{ApiClient, BuildError, Fetched, install_tls};
pub use error::{Evidence, FetchError, ForbiddenReason, NetworkFault};
pub use headers::{RETRY_AFTER_MAX, RateHeaders};
pub use look::{Looked, Question};
pub use page::Page;
pub use pages::{Answer, Oddities, Pages, Step};
pub use request::Request;
pub use settings::ApiConfig;
