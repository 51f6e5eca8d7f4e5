//! The network between a program and a server, to be broken on order.
//!
//! A [`Proxy`] listens on the loopback and passes bytes on. What it does wrong is a [`Fault`] that can be changed
//! at any time and holds for living connections, too. Two orders understand the protocol and hit one exact
//! message: [`Proxy::swallow_next_commit`] and [`Proxy::swallow_next_ack`]. Every hit is counted, so that a
//! test can prove that it did what its name says.

mod amqp;
mod pipe;
mod postgres;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::trouble::{Context as _, Result};

/// What a connection suffers from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Each piece of data is that much late, in both directions.
    Latency(Duration),
    /// Connections are taken, and no byte passes.
    Blackhole,
    /// Living connections are reset, new ones as soon as they come.
    Reset,
    /// After so many bytes from the server, counted from now, that connection is reset.
    CutAfter(u64),
    /// So many bytes a second in each direction.
    Slow(u32),
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections taken.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// The most that were open at once.
    pub most_open: u64,
    /// Connections reset by us.
    pub resets: u64,
    /// COMMITs whose answer was swallowed.
    pub commits_swallowed: u64,
    /// Acknowledgements swallowed.
    pub acks_swallowed: u64,
}

/// A TCP proxy. Dropping it closes all connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _accept: AbortOnDropHandle<()>,
}

/// What all connections look at.
#[derive(Debug)]
struct Shared {
    fault: watch::Sender<Fault>,
    commits: AtomicUsize,
    acks: AtomicUsize,
    counts: Mutex<BTreeMap<Count, u64>>,
    open: AtomicU64,
    most_open: AtomicU64,
    /// Raised by a new fault, so that `CutAfter` counts from its order.
    passed: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    Connections,
    Resets,
    Commits,
    Acks,
}

impl Proxy {
    /// In front of `upstream` (`host:port`).
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot bind a proxy")?;
        let port = listener.local_addr().context("cannot bind a proxy")?.port();
        let shared = Arc::new(Shared::new());
        let accept = tokio::spawn(accept(listener, upstream.to_owned(), Arc::clone(&shared)));
        Ok(Self { port, shared, _accept: AbortOnDropHandle::new(accept) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what happens, for living connections, too.
    pub fn set(&self, fault: Fault) {
        self.shared.passed.store(0, Ordering::Relaxed);
        self.shared.fault.send_replace(fault);
    }

    /// Postgres: the next COMMIT that a client sends reaches the server; the answer never reaches the client,
    /// whose connection is reset once the server has said that it has committed.
    pub fn swallow_next_commit(&self) {
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// AMQP: the next basic.ack that a client sends never reaches the server, nor does anything after it; the
    /// connection is then reset.
    pub fn swallow_next_ack(&self) {
        self.shared.acks.fetch_add(1, Ordering::Relaxed);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        let counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |count| counts.get(&count).copied().unwrap_or(0);
        Counts {
            connections: of(Count::Connections),
            open: self.shared.open.load(Ordering::Relaxed),
            most_open: self.shared.most_open.load(Ordering::Relaxed),
            resets: of(Count::Resets),
            commits_swallowed: of(Count::Commits),
            acks_swallowed: of(Count::Acks),
        }
    }
}

impl Shared {
    fn new() -> Self {
        Self {
            fault: watch::Sender::new(Fault::None),
            commits: AtomicUsize::new(0),
            acks: AtomicUsize::new(0),
            counts: Mutex::default(),
            open: AtomicU64::new(0),
            most_open: AtomicU64::new(0),
            passed: AtomicU64::new(0),
        }
    }

    fn count(&self, count: Count) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(count).or_insert(0) += 1;
    }

    /// Takes one order off a counter of orders.
    fn take(orders: &AtomicUsize) -> bool {
        orders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

async fn accept(listener: TcpListener, upstream: String, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        shared.count(Count::Connections);
        let (upstream, shared) = (upstream.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            let fault = *shared.fault.borrow();
            if fault == Fault::Reset {
                let _unsupported = client.set_zero_linger();
                shared.count(Count::Resets);
                return;
            }
            // A server that is down is a refused connection to the client.
            let Ok(server) = TcpStream::connect(&upstream).await else { return };
            let open = shared.open.fetch_add(1, Ordering::Relaxed) + 1;
            shared.most_open.fetch_max(open, Ordering::Relaxed);
            pipe::run(client, server, &shared).await;
            shared.open.fetch_sub(1, Ordering::Relaxed);
        });
        while connections.try_join_next().is_some() {}
    }
}
