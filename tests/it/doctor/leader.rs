//! A queue without a leader (`docs/reliability.md` B3): RabbitMQ was killed before the queue's name had reached the disk.

use std::time::{Duration, Instant};

use chrono::Days;
use tests::harness::{Kind, OwnServer, Result, Servers, Span, WorldConfig};

use tests::simulator::MallSpec;

use super::{Answer, world};

/// How often the kill is tried; on a machine that is too slow for it the name has reached the disk each time.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn b03_a_queue_without_a_leader_is_told_and_replaced_and_no_slice_is_lost() -> Result<()> {
    let mut own = OwnServer::start(Kind::Rabbit).await?;
    let servers = Servers { amqp: own.url(), ..Servers::from_env()? };
    let mut config = WorldConfig { servers: Some(servers), ..WorldConfig::default() };
    for (name, value) in [("QUEUED_DEADLINE", "5s"), ("EVERY", "1s")] {
        config.env.push((format!("CAFE24_SYNC__RECONCILE__{name}"), value.to_owned()));
    }
    let world = world(config).await?;
    let mut leaderless = None;
    for _ in 0..TRIES {
        // Declares, publishes with confirms, and ends; the broker dies with the name of the last queue in its memory.
        world
            .cli(&["enqueue", "--all", "--last", "2d", "--force", "--lane", "backfill", "--yes"])
            .await?
            .success()?;
        own.kill().await?;
        own.resume().await?;
        let answer = Answer::of(&world, &["--offline"]).await?;
        let told = |(_, what, _): &(String, String, String)| what.contains("has no leader");
        if answer.at("problem").iter().any(told) {
            leaderless = Some(answer);
            break;
        }
        own.kill().await?;
        own.resume_empty().await?;
    }
    let answer = leaderless.expect("a queue that lost its leader; is this RabbitMQ newer than 3.10?");
    assert_eq!(answer.code, Some(3));
    // That no program runs here, though jobs wait, is told as well.
    let others = |(check, ..): &(String, String, String)| check != "programs";
    for (check, what, remedy) in answer.at("problem").into_iter().filter(others) {
        assert_eq!((check.as_str(), remedy.as_str()), ("rabbitmq", "cafe24-sync doctor --fix"), "{what}");
        assert!(what.contains("nothing is lost, the ledger publishes again"), "{what}");
    }
    // Nobody can be asked here, and a queue is deleted only after a yes.
    let asked = world.cli(&["doctor", "--offline", "--fix"]).await?;
    assert_eq!(asked.code, Some(7), "{}", asked.stderr);
    assert!(
        asked.stderr.contains("delete  ") && asked.stderr.contains("doctor --offline --fix --yes"),
        "{}",
        asked.stderr
    );

    let began = Instant::now();
    let mended = Answer::of(&world, &["--offline", "--fix", "--yes"]).await?;
    assert!(!mended.at("problem").iter().any(others), "{mended:?}");
    assert_eq!(world.db.number("SELECT count(*) FROM audit_log WHERE action = 'doctor.fix'").await?, 1);
    let _daemon = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    world.settled(Duration::from_secs(90)).await?;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(90), "b03 drained after {took:?}");
    let today = world.sim.clock().today();
    let malls = world.sim.malls();
    let span = |mall: &MallSpec| Span::days(&mall.mall_id, today - Days::new(2), today - Days::new(1));
    world.exact(&malls.iter().map(span).collect::<Vec<_>>()).await.map(drop)
}
