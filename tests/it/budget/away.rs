//! Redis away: what nobody knows is not told as if it were known.

use std::time::Duration;

use tests::harness::{Result, World, WorldConfig};

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
    let known = world.json(&["backfill", "show", &run]).await?;
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
