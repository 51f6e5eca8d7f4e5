//! The proxy loses exactly what it was told to lose.

use std::time::{Duration, Instant};

use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use tests::harness::proxy::Fault;
use tests::harness::{Broker, Context as _, Prefix, Proxy, Result, Servers, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_swallowed_commit_has_happened_and_nobody_was_told() -> Result<()> {
    let servers = Servers::from_env()?;
    let proxy = Proxy::start(&Servers::address(&servers.database)).await?;
    let table = format!("swallowed_{:08x}", rand::random::<u32>());
    let mut client = connect(&Servers::through(&servers.database, proxy.port())).await?;
    client.batch_execute(&format!("CREATE TABLE {table} (n int)")).await.context("create")?;
    proxy.swallow_next_commit();
    let transaction = client.transaction().await.context("begin")?;
    transaction.execute(&format!("INSERT INTO {table} VALUES (1)"), &[]).await.context("insert")?;
    assert!(transaction.commit().await.is_err());
    assert_eq!(proxy.counts().commits_swallowed, 1);
    let direct = connect(&servers.database).await?;
    let row = direct.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.context("count")?;
    assert_eq!(row.get::<_, i64>(0), 1);
    direct.batch_execute(&format!("DROP TABLE {table}")).await.context("drop")
}

#[tokio::test]
async fn a_swallowed_ack_leaves_the_message_to_be_delivered_again() -> Result<()> {
    let servers = Servers::from_env()?;
    let proxy = Proxy::start(&Servers::address(&servers.amqp)).await?;
    let queue = Prefix::new(&servers.amqp, &servers.redis).queue("acks");
    let direct = Broker::connect(&servers.amqp).await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    direct
        .channel()
        .await?
        .queue_declare(queue.as_str().into(), durable, FieldTable::default())
        .await
        .context("queue")?;
    direct.publish("", &queue, b"job").await?;
    {
        let through = Broker::connect(&Servers::through(&servers.amqp, proxy.port())).await?;
        let channel = through.channel().await?;
        let got =
            channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.context("get")?;
        proxy.swallow_next_ack();
        // The client only learns later that nobody heard it.
        let _unheard = got.context("a message")?.acker.ack(BasicAckOptions::default()).await;
        wait_until("the ack swallowed", SOON, || async { Ok(proxy.counts().acks_swallowed == 1) }).await?;
    }
    wait_until("delivered again", SOON, || async { Ok(direct.depth(&queue).await? == Some((1, 0))) }).await?;
    direct.delete_queue(&queue).await
}

#[tokio::test]
async fn each_fault_does_what_it_is_called() -> Result<()> {
    let servers = Servers::from_env()?;
    let proxy = Proxy::start(&Servers::address(&servers.redis)).await?;
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.context("connect")?;
    ping(&mut stream).await?;

    proxy.set(Fault::Latency(Duration::from_millis(100)));
    let started = Instant::now();
    ping(&mut stream).await?;
    assert!(started.elapsed() >= Duration::from_millis(200));

    proxy.set(Fault::Blackhole);
    assert!(timeout(Duration::from_millis(300), ping(&mut stream)).await.is_err());
    proxy.set(Fault::None);
    let mut late = [0; 7];
    timeout(SOON, stream.read_exact(&mut late)).await.context("after the hole")?.context("read")?;

    proxy.set(Fault::Slow(20));
    let started = Instant::now();
    ping(&mut stream).await?;
    assert!(started.elapsed() >= Duration::from_millis(500));

    proxy.set(Fault::CutAfter(10));
    ping(&mut stream).await?;
    let cut = ping(&mut stream).await;
    assert!(cut.is_err(), "{cut:?}");

    proxy.set(Fault::None);
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.context("connect")?;
    ping(&mut stream).await?;
    proxy.set(Fault::Reset);
    let reset = stream.read(&mut late).await.expect_err("a reset");
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!((proxy.counts().connections, proxy.counts().resets), (2, 2));
    Ok(())
}

async fn ping(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(b"PING\r\n").await.context("write")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.context("read")?;
    assert_eq!(&answer, b"+PONG\r\n");
    Ok(())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect")?;
    tokio::spawn(connection);
    Ok(client)
}
