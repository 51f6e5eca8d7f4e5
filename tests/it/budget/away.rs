//! Redis or RabbitMQ away, or nobody at work: what nobody knows is not told as if it were known.

use std::time::Duration;

use serde_json::Value;
use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::SimConfig;

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_an_end_is_unknown_and_says_why() -> Result<()> {
    let world = World::start_with(WorldConfig::default()).await?;
    world.enqueue(&["--all", "--last", "7d", "--lane", "backfill"]).await?;
    let run = world.json(&["backfill", "list"]).await?["items"][0]["run_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mall =
        world.json(&["malls", "list"]).await?["items"][0]["mall_id"].as_str().unwrap_or_default().to_owned();
    let known = world.json(&["enqueue", "--all", "--last", "9d", "--dry-run"]).await?;
    assert!(known["eta"]["seconds"].is_u64(), "{known}");

    let away = world.programs.clone().set("REDIS_URL", "redis://127.0.0.1:9");
    let commands = [
        (&["status"][..], Some(0)),
        (&["backfill", "show", &run], Some(0)),
        (&["malls", "show", &mall], Some(0)),
        (&["enqueue", "--all", "--last", "9d", "--dry-run"], Some(0)),
        // The levels themselves are what it is about.
        (&["limits"], Some(5)),
    ];
    for (command, code) in commands {
        let text = away.cli(command, SOON).await?;
        assert_eq!(text.code, code, "{command:?}: {text:?}");
        let eta = text.stdout.lines().find(|line| line.trim_start().starts_with("ETA"));
        assert!(
            eta.is_some_and(|eta| eta.contains("? · Redis does not answer")),
            "{command:?}: {}",
            text.stdout
        );
        let json = away.cli(&[command, &["--json"]].concat(), SOON).await?;
        assert_eq!(json.code, code, "{command:?}: {json:?}");
        assert!(json.stdout.contains("\"bound\":\"unread\""), "{command:?}: {}", json.stdout);
    }
    let listed = away.cli(&["backfill", "list", "--plain"], SOON).await?;
    assert!(listed.stdout.trim_end().ends_with("\t?"), "{}", listed.stdout);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rabbitmq_an_end_is_unknown_and_no_lane_is_sent_now() -> Result<()> {
    let world = World::start_with(WorldConfig::default()).await?;
    world.enqueue(&["--all", "--last", "7d", "--lane", "backfill"]).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let run = text(&world.json(&["backfill", "list"]).await?["items"][0]["run_id"]);
    let mall = text(&world.json(&["malls", "list"]).await?["items"][0]["mall_id"]);
    let sent = world.cli(&["queue", "list", "--plain"]).await?;
    assert!(sent.stdout.lines().skip(1).all(|line| line.ends_with("\tnow")), "{}", sent.stdout);

    let away = world.programs.clone().set("AMQP_URL", "amqp://guest:guest@127.0.0.1:9/");
    for (command, code) in [
        (&["status"][..], Some(0)),
        (&["backfill", "show", &run], Some(0)),
        (&["malls", "show", &mall], Some(0)),
        (&["limits"], Some(0)),
        (&["enqueue", "--all", "--last", "9d", "--dry-run"], Some(0)),
        // The wish is written down; that it could not be handed over is a failure.
        (&["enqueue", "--all", "--last", "9d", "--yes"], Some(5)),
    ] {
        let text = away.cli(command, SOON).await?;
        assert_eq!(text.code, code, "{command:?}: {text:?}");
        let eta = text.stdout.lines().find(|line| line.trim_start().starts_with("ETA"));
        let said = "? · RabbitMQ does not answer: nothing is handed over";
        assert!(eta.is_some_and(|eta| eta.contains(said)), "{command:?}: {}", text.stdout);
        // A driver's words about it are no answer.
        assert!(code == Some(5) || !text.stderr.contains("onnection"), "{command:?}: {}", text.stderr);
    }
    let planned =
        away.cli(&["enqueue", "--all", "--last", "10d", "--dry-run", "--json"], SOON).await?.json()?;
    assert_eq!(
        (&planned["eta"]["bound"], &planned["eta"]["seconds"]),
        (&"no_broker".into(), &Value::Null),
        "{planned}"
    );
    let listed = away.cli(&["backfill", "list", "--plain"], SOON).await?;
    assert!(listed.stdout.lines().skip(1).all(|line| line.ends_with("\t?")), "{}", listed.stdout);

    // One that takes connections and says nothing is away as well, long before a program would give it up.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("a silent port")?;
    let port = silent.local_addr().context("its address")?.port();
    let away = world.programs.clone().set("AMQP_URL", format!("amqp://guest:guest@127.0.0.1:{port}/"));
    world.json(&["queue", "pause", "fresh", "--yes"]).await?;
    let lanes = away.cli(&["queue", "list"], Duration::from_secs(9)).await?.stdout;
    assert!(
        lanes.contains("? · RabbitMQ does not answer") && lanes.contains("→ cafe24-sync doctor"),
        "{lanes}"
    );
    assert!(lanes.contains("paused since"), "{lanes}");
    let lanes = away.cli(&["queue", "list", "--json"], SOON).await?.json()?;
    assert_eq!(lanes["items"][1]["broker_answers"], false, "{lanes}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nobody_at_work_an_end_is_unknown_and_says_what_to_start() -> Result<()> {
    // A bucket that takes minutes for what is wished: there is an end to tell all the while.
    let sim = SimConfig { malls: 1, ..SimConfig::default() };
    let redirect = ("CAFE24_SYNC__OAUTH__REDIRECT_URI", "https://sync.agency.kr/oauth/callback");
    let env = vec![(redirect.0.to_owned(), redirect.1.to_owned())];
    let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
    let mall =
        world.json(&["malls", "list"]).await?["items"][0]["mall_id"].as_str().unwrap_or_default().to_owned();
    let programs = |document: &Value| -> Vec<(String, String)> {
        let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
        let items = document["items"].as_array().into_iter().flatten();
        items
            .filter(|item| item["check"] == "programs")
            .map(|item| (text(item, "level"), text(item, "do")))
            .collect()
    };
    // Before the first start that is as it should be.
    assert_eq!(
        programs(&world.json(&["doctor", "--fix", "--offline"]).await?),
        [("note".to_owned(), String::new())]
    );
    world.enqueue(&["--all", "--last", "200d", "--chunk-days", "1", "--yes"]).await?;

    let status = world.json(&["status"]).await?;
    assert_eq!((&status["daemon"], &status["workers"]["alive"]), (&Value::Null, &0.into()), "{status}");
    assert_eq!((&status["eta_s"], &status["eta"]["bound"]), (&Value::Null, &"no_worker".into()), "{status}");
    let text = world.cli(&["status"]).await?.stdout;
    for line in ["! no daemon runs: ", "! no worker runs: nothing is fetched → start cafe24-sync-worker run"]
    {
        assert!(text.contains(line), "{text}");
    }
    for command in [&["limits"][..], &["malls", "show", &mall]] {
        let shown = world.json(command).await?;
        assert_eq!(
            (&shown["eta"]["bound"], &shown["eta"]["seconds"]),
            (&"no_worker".into(), &Value::Null),
            "{shown}"
        );
    }
    let doctor = world.cli(&["doctor", "--offline", "--json"]).await?;
    assert_eq!(doctor.code, Some(3), "{}", doctor.stdout);
    let found = programs(&serde_json::from_str(&doctor.stdout).unwrap_or_default());
    let starts = ["start cafe24-sync serve", "start cafe24-sync-worker run"];
    assert_eq!(found, starts.map(|start| ("problem".to_owned(), start.to_owned())));

    let worker = world.programs.worker()?;
    worker.listen(SOON).await?;
    wait_until("a worker", SOON, || async {
        Ok(world.json(&["status"]).await?["eta"]["bound"] == "no_daemon")
    })
    .await?;
    let daemon = world.programs.serve()?;
    daemon.event("leader.acquired", SOON).await?;
    let status = world.json(&["status"]).await?;
    assert!(status["eta_s"].is_u64() && status["daemon"]["instance"].is_string(), "{status}");
    assert!(status["workers"]["since"].is_string() && status["workers"]["alive"] == 1, "{status}");
    assert_eq!(programs(&world.json(&["doctor", "--offline"]).await?)[0].0, "good");
    Ok(())
}
