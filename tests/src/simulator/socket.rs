//! Connections that can be ended by a TCP reset.
//!
//! An answer has no hold on the socket under it. So each accepted connection carries a switch; the handler
//! gets a copy through its connect info. Once it is thrown, every read and write fails, the server drops the
//! connection, and dropping it with a zero linger time sends the reset.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The other side of a connection, and the switch.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    abort: Arc<AtomicBool>,
}

impl Peer {
    /// Ends the connection with a reset as soon as the server touches it again.
    pub(crate) fn reset(&self) {
        self.abort.store(true, Ordering::SeqCst);
    }
}

pub(crate) struct SimListener(pub(crate) TcpListener);

impl Listener for SimListener {
    type Io = SimStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (SimStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((tcp, address)) => {
                    // Without it answers wait for acknowledgements; failing to set it only costs time.
                    let _slow_is_fine = tcp.set_nodelay(true);
                    return (SimStream { tcp, abort: Arc::default() }, address);
                }
                // Out of file handles, or the peer left already: neither ends the server.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, SimListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, SimListener>) -> Self {
        Self { address: *stream.remote_addr(), abort: Arc::clone(&stream.io().abort) }
    }
}

pub(crate) struct SimStream {
    tcp: TcpStream,
    abort: Arc<AtomicBool>,
}

impl SimStream {
    fn alive(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.abort.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut self.tcp))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        if self.abort.load(Ordering::SeqCst) {
            // Without it the peer sees an end instead of a reset, which is a fault as well.
            let _end_instead = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An orderly end before the reset would hide it.
        self.alive()?.poll_shutdown(cx)
    }
}
