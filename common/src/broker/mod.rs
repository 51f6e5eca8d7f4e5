//! RabbitMQ only: it carries what can run in the next few seconds to whichever worker has room.
//!
//! It holds nothing that Postgres does not know; a job may be delivered twice, its effect happens once. So all of it
//! may vanish: the reconciler publishes again. Two rules follow from what brokers do:
//!
//! - A message published to nowhere is confirmed all the same (`docs/reliability.md` B1). So every publish is `mandatory`, and a
//!   returned message is a failure.
//! - A broker in trouble lets confirms hang. So every wait has a timeout.
//!
//! Publishing and consuming use connections of their own: a memory alarm blocks only publishers.
//!
//! **Errors.** Every call answers [`BrokerError`], and none of it loses a job: what was not confirmed is published again, what
//! was not acknowledged is delivered again. [`OtherDeployment`](BrokerError::OtherDeployment),
//! [`OtherDeclaration`](BrokerError::OtherDeclaration) and [`Url`](BrokerError::Url) want a person; the others pass.

mod connection;
mod consume;
mod envelope;
mod error;
mod inspect;
mod publish;
mod topology;

pub use connection::Broker;
pub use consume::{Consumer, Delivery, Source};
pub use envelope::{Envelope, MAX_BODY, Unreadable};
pub use error::BrokerError;
pub use inspect::{BrokerFacts, ObjectFacts, ObjectState};
pub use publish::{PublishOutcome, Publisher};
pub use topology::Topology;
