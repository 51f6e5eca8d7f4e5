//! A server of one answer: sends the bytes that it is told to, as raw as they are.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server does after it has read a request.
pub(super) enum Act {
    /// Sends the bytes and closes.
    Send(Vec<u8>),
    /// Sends the bytes, then nothing, and keeps the connection.
    Stall(Vec<u8>),
    /// Resets the connection.
    Reset,
}

/// Answers every connection alike; the task returns the first request's head when it is aborted by `finish`.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: tokio::sync::mpsc::Receiver<String>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (sender, requests) = tokio::sync::mpsc::channel(16);
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    let mut buffer = [0; 4096];
                    match socket.read(&mut buffer).await {
                        Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
                        _ => break,
                    }
                }
                let _ = sender.send(String::from_utf8_lossy(&head).into_owned()).await;
                match &act {
                    Act::Send(bytes) => {
                        let _ = socket.write_all(bytes).await;
                        let _ = socket.shutdown().await;
                    }
                    Act::Stall(bytes) => {
                        let _ = socket.write_all(bytes).await;
                        tokio::time::sleep(Duration::from_mins(1)).await;
                    }
                    Act::Reset => {
                        let _ = socket.set_zero_linger();
                    }
                }
            }
        });
        Self { address, requests, task }
    }

    /// The heads of the requests so far.
    pub(super) fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with `Content-Length`.
pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
