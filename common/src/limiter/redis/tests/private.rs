//! A Redis of the test's own, which it may break, and a link that loses answers.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A `redis-server` on a free port without persistence; killed when dropped.
pub(super) struct PrivateRedis {
    process: Child,
    pub(super) port: u16,
}

impl PrivateRedis {
    /// `None`, with a note, where there is no `redis-server`.
    pub(super) async fn start() -> Option<Self> {
        let port = free_port();
        Self::start_on(port).await
    }

    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    pub(super) async fn start_on(port: u16) -> Option<Self> {
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &std::env::temp_dir().display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("skipped: there is no redis-server to start");
            return None;
        };
        let server = Self { process, port };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(server);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("redis-server did not come up on port {port}");
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        // A server that is gone already is fine: it only has to be gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A link to Redis that can lose the next answer: the request arrives, its answer does not, the connection is closed.
pub(super) struct Link {
    pub(super) port: u16,
    losing: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Link {
    pub(super) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let losing = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&losing);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                pipes.spawn(pipe(client, server, Arc::clone(&flag)));
            }
        });
        Self { port, losing, _tasks: tasks }
    }

    pub(super) fn lose_next_answer(&self) {
        self.losing.store(true, Ordering::SeqCst);
    }
}

async fn pipe(client: TcpStream, server: u16, losing: Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let back = async {
        let mut bytes = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut bytes).await?;
            if read == 0 || losing.swap(false, Ordering::SeqCst) {
                return std::io::Result::Ok(());
            }
            to_client.write_all(&bytes[..read]).await?;
        }
    };
    tokio::select! { _ = there => {}, _ = back => {} }
}
