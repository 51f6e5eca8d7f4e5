//! Servers of a test's own can be killed, frozen and started again, and go when the test goes.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tests::harness::{Broker, Context as _, Kind, OwnServer, Result, wait_until};

#[tokio::test]
async fn killed_postgres_comes_back_with_its_data_and_emptied_without() -> Result<()> {
    let mut own = OwnServer::start_with(Kind::Postgres, &["-c", "max_connections=20"]).await?;
    run(&own, "CREATE TABLE kept AS SELECT 1").await?;
    own.kill().await?;
    assert!(!own.answers().await);
    own.resume().await?;
    run(&own, "SELECT * FROM kept").await?;
    own.stop().await?;
    own.resume_empty().await?;
    assert!(run(&own, "SELECT * FROM kept").await.is_err());
    Ok(())
}

#[tokio::test]
async fn frozen_redis_answers_again_after_it_was_thawed() -> Result<()> {
    let mut own = OwnServer::start(Kind::Redis).await?;
    own.freeze()?;
    assert!(!own.answers().await);
    own.thaw()?;
    wait_until("redis answers", Duration::from_secs(2), || async { Ok(own.answers().await) }).await?;
    own.kill().await?;
    own.resume().await?;
    assert!(own.answers().await);
    Ok(())
}

#[tokio::test]
async fn killed_rabbit_comes_back_with_its_messages() -> Result<()> {
    let mut own = OwnServer::start_rabbit("heartbeat = 7\n", None).await?;
    let broker = Broker::connect(&own.url()).await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = broker.channel().await?.queue_declare("q".into(), durable, FieldTable::default()).await;
    declared.context("declare")?;
    broker.publish("", "q", b"one").await?;
    drop(broker);
    // A queue younger than that may be lost by the kill itself (`harness::own`).
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    own.kill().await?;
    own.resume().await?;
    let broker = Broker::connect(&own.url()).await?;
    assert_eq!(broker.depth("q").await?, Some((1, 0)));
    assert_eq!(broker.take("q").await?, Some(b"one".to_vec()));
    let said = own.rabbitmqctl(&["eval", "application:get_env(rabbit, heartbeat)."]).await?;
    said.success()?;
    assert_eq!(said.stdout.trim(), "{ok,7}");
    own.stop().await
}

async fn run(own: &OwnServer, sql: &str) -> Result<()> {
    let (client, connection) =
        tokio_postgres::connect(&own.url(), tokio_postgres::NoTls).await.context("connect")?;
    let (answer, _ended) = tokio::join!(
        async {
            let answer = client.batch_execute(sql).await;
            drop(client);
            answer
        },
        connection
    );
    answer.context(sql)
}
