//! Servers that are away, hang, or are set up otherwise.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Kind, OwnServer, Result, Servers, WorldConfig, wait_until};

use super::{Answer, healthy, world};

fn with_redis(own: &OwnServer) -> Result<WorldConfig> {
    let servers = Servers { redis: own.url(), ..Servers::from_env()? };
    Ok(WorldConfig { servers: Some(servers), ..WorldConfig::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn r04_a_redis_that_forgets_keys_is_a_problem_and_one_without_a_limit_a_warning() -> Result<()> {
    let own = OwnServer::start_with(Kind::Redis, &["--maxmemory-policy", "allkeys-lru"]).await?;
    let world = world(with_redis(&own)?).await?;
    let (what, remedy) = Answer::of(&world, &["--fix", "--offline"]).await?.only("problem", "redis");
    assert!(what.contains("allkeys-lru"), "{what}");
    assert!(remedy.contains("maxmemory-policy noeviction"), "{remedy}");

    let own = OwnServer::start_with(Kind::Redis, &["--maxmemory", "0"]).await?;
    let world = super::world(with_redis(&own)?).await?;
    let (what, remedy) = Answer::of(&world, &["--fix", "--offline"]).await?.only("warning", "redis");
    assert!(what.contains("maxmemory is unset"), "{what}");
    assert!(remedy.contains("maxmemory 256mb"), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn r03_a_replica_is_told_from_a_master() -> Result<()> {
    let own = OwnServer::start_with(Kind::Redis, &["--replicaof", "127.0.0.1", "1"]).await?;
    let world = world(with_redis(&own)?).await?;
    let (what, remedy) = Answer::of(&world, &["--fix", "--offline"]).await?.only("problem", "redis");
    assert!(what.contains("takes no writes now"), "{what}");
    assert!(remedy.contains("master"), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn r01_a_redis_that_hangs_hangs_neither_the_doctor_nor_its_other_checks() -> Result<()> {
    let own = OwnServer::start(Kind::Redis).await?;
    let world = healthy(with_redis(&own)?).await?;
    own.freeze()?;
    let began = Instant::now();
    let answer = Answer::of(&world, &[]).await?;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    let (what, remedy) = answer.only("problem", "redis");
    assert!(what.contains("did not answer"), "{what}");
    assert!(remedy.contains("REDIS_URL"), "{remedy}");
    // Fail closed: without a bucket nothing is sent.
    assert!(answer.at("note").iter().any(|(check, what, _)| check == "probe" && what.contains("not sent")));
    own.thaw()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_refuses_is_told_as_such() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let away = world.programs.clone().set("DATABASE_URL", "postgres://postgres@127.0.0.1:9/nowhere");
    let refused = away.cli(&["status"], Duration::from_secs(30)).await?;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(
        refused.stderr.contains("Connection refused") && refused.stderr.contains("DATABASE_URL"),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_long_is_not_told_with_its_text() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let (blocker, _connection) = world.db.connect().await?;
    let programs = world.programs.clone().unset("RUST_LOG");
    for (arguments, told) in [(&["schedule", "list"][..], false), (&["-vv", "schedule", "list"], true)] {
        blocker.batch_execute("BEGIN; LOCK TABLE schedule_ticks").await.context("lock")?;
        let listing = programs.cli_started(arguments)?;
        let waiting =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'schedule_ticks'::regclass";
        wait_until("it waits", Duration::from_secs(20), || async { Ok(world.db.number(waiting).await? > 0) })
            .await?;
        // The driver calls a second slow.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        blocker.batch_execute("COMMIT").await.context("unlock")?;
        let output = listing.output(Duration::from_secs(20)).await?;
        output.success()?;
        assert_eq!(output.stderr.contains("slow statement"), told, "{arguments:?}: {}", output.stderr);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_named_with_the_setting_that_names_it() -> Result<()> {
    let mut own = OwnServer::start(Kind::Redis).await?;
    let world = healthy(with_redis(&own)?).await?;
    own.kill().await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "redis");
    assert!(what.contains(&format!("127.0.0.1:{}", own.port())), "{what}");
    assert_eq!(remedy, "start it, or correct redis.url, which comes from REDIS_URL");

    // Nobody listens on port 1.
    let programs = world.programs.clone();
    let away = programs.set("DATABASE_URL", "postgres://canary:canary@127.0.0.1:1/x");
    let output = away.cli(&["doctor", "--offline"], Duration::from_secs(30)).await?;
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert!(
        output.stdout.contains("✗ postgres   no answer at postgres://canary:[secret]@127.0.0.1:1/x"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("· keys       not looked at: Postgres does not answer"),
        "{}",
        output.stdout
    );
    assert!(
        !output.stdout.contains("canary@") && !output.stdout.contains("canary:canary"),
        "{}",
        output.stdout
    );

    let check = away.cli(&["config", "check", "--connect"], Duration::from_secs(30)).await?;
    assert_eq!(check.code, Some(5), "{}", check.stderr);
    assert!(check.stdout.contains("✓ rabbitmq   answers at"), "{}", check.stdout);
    assert!(check.stdout.contains("✗ redis"), "{}", check.stdout);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_a_wrong_configuration_ends_every_program_with_6_before_anything_is_asked() -> Result<()> {
    let world = world(WorldConfig::default()).await?;
    let key = world.programs.environment().get("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE").context("the key")?;
    let open = world.programs.logs().join("open.key");
    std::fs::copy(key, &open).context("a copy")?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&open, mode).context("mode")?;
    let wrong = world
        .programs
        .clone()
        .quiet()
        .set("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", "0")
        .set("CAFE24_SYNC__RABBITMQ__PREFETCH", "0")
        .set("CAFE24_SYNC__WORKER__SLOTZ", "8")
        .set("AMQP_URL", "amqp://guest:canary@mq.example:5672/")
        .set("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE", open.to_string_lossy());
    let limit = Duration::from_secs(10);
    let began = Instant::now();
    let doctor = wrong.cli(&["doctor"], limit).await?;
    let (serve, worker) = (wrong.serve()?, wrong.worker()?);
    assert_eq!(doctor.code, Some(6), "{}", doctor.stdout);
    assert_eq!(serve.wait(limit).await?.code(), Some(6));
    assert_eq!(worker.wait(limit).await?.code(), Some(6));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for said in [doctor.stderr, serve.log(), worker.log()] {
        for part in [
            "has 5 mistakes",
            "out of range; use 0.1 to",
            "out of range; use 1 to 10000",
            "did you mean `slots`?",
            "use amqps://, or set allow_plaintext = true",
            "is readable by everybody (0644)",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("canary"), "{said}");
    }
    Ok(())
}
