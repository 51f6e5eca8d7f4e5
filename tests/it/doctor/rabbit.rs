//! RabbitMQ with queues that are missing, unbound, or declared otherwise, and a broker that blocks publishers.

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use tests::harness::{Broker, Context as _, Kind, OwnServer, Result, Servers, WorldConfig, wait_until};

use super::{Answer, healthy, world};

#[tokio::test(flavor = "multi_thread")]
async fn b01_missing_queues_are_told_and_declared_with_fix() -> Result<()> {
    let world = world(WorldConfig::default()).await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "rabbitmq");
    for name in [world.prefix.jobs_exchange(), world.prefix.queue("fresh"), world.prefix.dead_queue()] {
        assert!(what.contains(&name), "{what}");
    }
    assert_eq!(remedy, "cafe24-sync doctor --fix");
    // Looking declares nothing.
    let broker = Broker::connect(&world.servers.amqp).await?;
    assert_eq!(broker.depth(&world.prefix.dead_queue()).await?, None);
    Answer::of(&world, &["--offline", "--fix"]).await?.all_well();
    assert_eq!(world.db.number("SELECT count(*) FROM audit_log WHERE action = 'doctor.fix'").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_declared_otherwise_is_named_with_the_difference_and_left_alone() -> Result<()> {
    let world = world(WorldConfig::default()).await?;
    let queue = world.prefix.queue("fresh");
    let broker = Broker::connect(&world.servers.amqp).await?;
    let classic = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = broker.channel().await?;
    let mut arguments = FieldTable::default();
    let dead_letters = AMQPValue::LongString(world.prefix.dead_exchange().into());
    arguments.insert("x-dead-letter-exchange".into(), dead_letters);
    channel.queue_declare(queue.as_str().into(), classic, arguments).await.context("classic")?;
    let output = world.cli(&["doctor", "--offline"]).await?;
    assert_eq!(output.code, Some(3));
    let said = output.stdout.lines().find(|line| line.contains("is declared otherwise")).context("said")?;
    assert!(said.contains(&queue) && said.contains("x-queue-type") && said.contains("quorum"), "{said}");
    assert!(output.stdout.contains(&format!("rabbitmqctl delete_queue {queue}")), "{}", output.stdout);
    assert!(broker.depth(&queue).await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_another_kind_is_named() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let exchange = world.prefix.dead_exchange();
    broker.delete_exchange(&exchange).await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let channel = broker.channel().await?;
    let topic = lapin::ExchangeKind::Topic;
    channel
        .exchange_declare(exchange.as_str().into(), topic, durable, FieldTable::default())
        .await
        .context("topic")?;
    let answer = Answer::of(&world, &["--offline"]).await?;
    let problems = answer.at("problem");
    let said = problems.iter().find(|(_, what, _)| what.contains("is declared otherwise")).context("said")?;
    assert!(said.1.contains(&exchange) && said.1.contains("topic"), "{said:?}");
    assert!(said.2.starts_with(&format!("delete the exchange {exchange}")), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_binding_that_is_gone_is_found_by_a_message_and_mended_with_fix() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let (queue, exchange) = (world.prefix.dead_queue(), world.prefix.dead_exchange());
    let channel = broker.channel().await?;
    channel
        .queue_unbind(queue.as_str().into(), exchange.as_str().into(), "".into(), FieldTable::default())
        .await
        .context("unbind")?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "rabbitmq");
    assert_eq!(what, format!("no message reaches {queue}: its binding is missing"));
    assert_eq!(remedy, "cafe24-sync doctor --fix");
    Answer::of(&world, &["--offline", "--fix"]).await?.all_well();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_an_alarm_that_blocks_publishers_is_said_and_no_queue_is_blamed() -> Result<()> {
    let own = OwnServer::start(Kind::Rabbit).await?;
    let servers = Servers { amqp: own.url(), ..Servers::from_env()? };
    let world = healthy(WorldConfig { servers: Some(servers), ..WorldConfig::default() }).await?;
    own.rabbitmqctl(&["set_vm_memory_high_watermark", "0"]).await?.success()?;
    let blocked = async || {
        let answer = Answer::of(&world, &["--offline"]).await?;
        Ok(answer.at("problem").iter().any(|(_, what, _)| what.contains("blocks publishers")))
    };
    wait_until("the alarm shows", std::time::Duration::from_secs(30), blocked).await?;
    let (_, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "rabbitmq");
    assert!(remedy.contains("rabbitmqctl status"), "{remedy}");
    own.rabbitmqctl(&["set_vm_memory_high_watermark", "0.4"]).await?.success()?;
    let free = async || Ok(Answer::of(&world, &["--offline"]).await?.code == Some(0));
    wait_until("the alarm is gone", std::time::Duration::from_secs(30), free).await
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_queues_and_buckets_of_another_installation_are_told_and_fix_leaves_them_alone() -> Result<()> {
    let theirs = healthy(WorldConfig::default()).await?;
    let daemon = theirs.programs.serve()?;
    daemon.listen(std::time::Duration::from_secs(20)).await?;
    let ours = healthy(WorldConfig::default()).await?;
    // Databases of tests are copies of one.
    let renamed = ours.db.client().batch_execute("UPDATE deployment SET deployment_id = gen_random_uuid()");
    renamed.await.context("another installation")?;
    let programs = ours
        .programs
        .clone()
        .set("CAFE24_SYNC__RABBITMQ__PREFIX", theirs.prefix.broker())
        .set("CAFE24_SYNC__REDIS__PREFIX", theirs.prefix.redis());
    // Their daemon marks Redis when it first asks for a bucket.
    theirs.cli(&["enqueue", "--all", "--last", "1d", "--yes"]).await?.success()?;
    let limit = std::time::Duration::from_secs(30);
    let told = async || {
        let doctor = programs.cli(&["doctor"], limit).await?;
        assert_eq!(doctor.code, Some(3), "{}", doctor.stdout);
        assert!(
            doctor.stdout.contains("✗ rabbitmq   these queues belong to another installation"),
            "{}",
            doctor.stdout
        );
        assert!(doctor.stdout.contains("cafe24-sync db adopt"), "{}", doctor.stdout);
        Ok(doctor.stdout.contains("✗ redis      these buckets belong to another installation")
            && doctor.stdout.contains("· probe      not sent: the bucket is not ours"))
    };
    wait_until("the buckets are told of, too", limit, told).await?;
    let fix = programs.cli(&["doctor", "--offline", "--fix"], limit).await?;
    assert_eq!(fix.code, Some(3), "{}", fix.stdout);
    assert_eq!(ours.db.number("SELECT count(*) FROM audit_log WHERE action = 'doctor.fix'").await?, 1);
    Ok(())
}
