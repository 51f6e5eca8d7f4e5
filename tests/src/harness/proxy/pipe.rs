//! One connection: two streams of bytes, a fault, and two listeners for single messages.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::amqp::AckFinder;
use super::postgres::{CommitFinder, committed};
use super::{Count, Fault, Shared};

const PIECE: usize = 16 * 1024;
/// Between the last byte passed on and the reset, since a reset may overtake bytes that nobody has read yet.
const SILENCE: Duration = Duration::from_millis(50);

/// Why a connection ended.
enum End {
    /// One side closed it, or it broke.
    Closed,
    /// We break it.
    Broken,
}

/// Passes bytes until an end. Where we break it, both sides see a reset, as from a network that has gone.
pub(super) async fn run(client: TcpStream, server: TcpStream, shared: &Shared) {
    let _unsupported = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    // Whether the answer to a COMMIT is being swallowed.
    let muted = AtomicBool::new(false);
    let end = tokio::select! {
        end = upstream(&mut from_client, &mut to_server, shared, &muted) => end,
        end = downstream(&mut from_server, &mut to_client, shared, &muted) => end,
        () = reset_ordered(shared) => End::Broken,
    };
    if matches!(end, End::Broken) {
        shared.count(Count::Resets);
        let _unsupported = (from_client.as_ref().set_zero_linger(), from_server.as_ref().set_zero_linger());
        // A dropped write half would say goodbye first.
        to_client.forget();
        to_server.forget();
    }
}

async fn upstream(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    shared: &Shared,
    muted: &AtomicBool,
) -> End {
    let (mut acks, mut commits) = (AckFinder::default(), CommitFinder::default());
    let mut piece = vec![0; PIECE];
    loop {
        let Ok(bytes @ 1..) = from.read(&mut piece).await else { return End::Closed };
        let bytes = &piece[..bytes];
        if let Some(before) = acks.find(bytes, || Shared::take(&shared.acks)) {
            shared.count(Count::Acks);
            let _lost_anyway = to.write_all(&bytes[..before]).await;
            tokio::time::sleep(SILENCE).await;
            return End::Broken;
        }
        if commits.find(bytes, || Shared::take(&shared.commits)) {
            muted.store(true, Ordering::Relaxed);
        }
        if pass(bytes, to, shared).await.is_err() {
            return End::Closed;
        }
    }
}

async fn downstream(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    shared: &Shared,
    muted: &AtomicBool,
) -> End {
    let mut piece = vec![0; PIECE];
    let mut swallowed = Vec::new();
    loop {
        let Ok(bytes @ 1..) = from.read(&mut piece).await else { return End::Closed };
        let bytes = &piece[..bytes];
        if muted.load(Ordering::Relaxed) {
            swallowed.extend_from_slice(bytes);
            if committed(&swallowed) {
                shared.count(Count::Commits);
                return End::Broken;
            }
            continue;
        }
        let fault = *shared.fault.borrow();
        if let Fault::CutAfter(limit) = fault {
            let passed = shared.passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            let rest = usize::try_from(limit.saturating_sub(passed)).unwrap_or(usize::MAX);
            if rest < bytes.len() {
                let _lost_anyway = to.write_all(&bytes[..rest]).await;
                tokio::time::sleep(SILENCE).await;
                return End::Broken;
            }
        }
        if pass(bytes, to, shared).await.is_err() {
            return End::Closed;
        }
    }
}

/// Writes as the present fault wants it.
async fn pass(bytes: &[u8], to: &mut OwnedWriteHalf, shared: &Shared) -> io::Result<()> {
    let fault = *shared.fault.borrow();
    match fault {
        Fault::Latency(late) => tokio::time::sleep(late).await,
        Fault::Slow(per_second) => return trickle(bytes, per_second, to).await,
        Fault::Blackhole => {
            let mut changed = shared.fault.subscribe();
            while *changed.borrow_and_update() == Fault::Blackhole {
                if changed.changed().await.is_err() {
                    break;
                }
            }
        }
        Fault::None | Fault::Reset | Fault::CutAfter(_) => {}
    }
    to.write_all(bytes).await
}

async fn trickle(bytes: &[u8], per_second: u32, to: &mut OwnedWriteHalf) -> io::Result<()> {
    // Ten pieces a second, a byte at least.
    let step = (per_second / 10).max(1);
    let pause = Duration::from_secs(1).mul_f64(f64::from(step) / f64::from(per_second.max(1)));
    for piece in bytes.chunks(step as usize) {
        to.write_all(piece).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn reset_ordered(shared: &Shared) {
    let mut fault = shared.fault.subscribe();
    let _never_while_shared_lives = fault.wait_for(|fault| *fault == Fault::Reset).await;
}
