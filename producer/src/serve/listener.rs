//! A port that strangers may reach: few connections, short heads, one answer each.
//!
//! What they can hold is bounded: [`CONNECTIONS`] sockets with [`HEAD_MAX`] bytes each, for [`WHOLE`] at most. More wait
//! with the kernel. Nothing of it touches the feeder: both only share the process (`docs/reliability.md` X8).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Connections served at once, about 80 KiB each; a page needs two.
pub(super) const CONNECTIONS: usize = 64;
/// Line and headers of a request. A callback with its code has less than 1 KiB.
const HEAD_MAX: usize = 16 << 10;
/// From the connection to the end of the headers.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The whole connection. Longer than the longest answer, a code's exchange with the store away.
const WHOLE: Duration = Duration::from_secs(45);
/// Wait after the system refused a socket, and so at most one line a second about it.
const REFUSED: Duration = Duration::from_secs(1);

/// Serves `router` until `shutdown`, and then what is open.
pub(super) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let accept = async {
            // Never closed, so there is always a permit to come.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = open.join_next() => {}
            (permit, accepted) = accept => match accepted {
                Ok((stream, _)) => {
                    let answer = one(stream, router.clone());
                    open.spawn(async move {
                        answer.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a connection was refused");
                    sleep(REFUSED).await;
                }
            },
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn one(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        // So that no idle connection takes a place.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // What a stranger's connection dies of is not worth a line.
    let _ = timeout(WHOLE, connection).await;
}
