//! What an operator types on such a day, and what goes wrong with it.

use std::path::Path;
use std::time::Duration;

use futures::future::try_join_all;
use tests::harness::{Context as _, Result, Servers, World};

use super::files::{APP_SECRET, KEY, MALLS, SecretFiles};
use super::{FROM, SOON, TO};

/// In which a worker fails to reach a server a few times, and says so.
const TRIES: Duration = Duration::from_secs(2);

/// Two apps, one's secret from a file and the other's from stdin, and a mall that has the first. A file that is none is
/// refused without a word of what is in it.
pub(super) async fn set_apps(world: &World, secrets: &SecretFiles) -> Result<()> {
    let set = |name, file| ["apps", "set", name, "--client-id", super::APP_ID, "--client-secret-file", file];
    world.cli(&[&set("brand-b", APP_SECRET)[..], &["-vv"]].concat()).await?.success()?;
    let typed = world.programs.cli_with_stdin(&set("brand-c", "-"))?;
    typed.say(&format!("{}\n", secrets.typed))?;
    typed.output(SOON).await?.success()?;
    let refused = world.cli(&set("brand-d", MALLS)).await?;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let file = world.programs.logs().join("apps.csv");
    std::fs::write(&file, "mall_id,agency,mode,app\nbranded,agency-1,api,brand-b\n").context("a file")?;
    world.cli(&["malls", "import", &file.to_string_lossy()]).await?.success()
}

/// The commands, in each form of answer.
pub(super) async fn works(world: &World) -> Result<()> {
    let ids = world.db.client().query("SELECT letter_id::text FROM dead_letters LIMIT 3", &[]).await;
    let ids: Vec<String> = ids.context("letters")?.iter().map(|row| row.get(0)).collect();
    assert!(!ids.is_empty(), "nothing died");
    let mut commands = vec![
        vec!["status"],
        vec!["malls", "list"],
        vec!["malls", "show", "refuses"],
        vec!["malls", "show", "branded"],
        vec!["apps", "list"],
        vec!["tokens", "list"],
        // One that is renewed with its app's secret, one that is dead.
        vec!["tokens", "refresh", "branded"],
        vec!["tokens", "refresh", "revoked"],
        vec!["alerts", "list"],
        vec!["alerts", "test"],
        vec!["dead", "list"],
        vec!["dead", "export", "-", "--state", "all"],
        vec!["config", "show"],
        vec!["config", "check"],
        vec!["doctor"],
        vec!["db", "status"],
        vec!["queue", "reconcile"],
    ];
    commands.extend(ids.iter().map(|id| vec!["dead", "show", id, "--body"]));
    let forms = |command: &Vec<_>| ["-vv", "--json"].map(|form| [&command[..], &[form]].concat());
    let lines: Vec<_> = commands.iter().flat_map(forms).collect();
    // What it answers is searched; how it ends is other tests' business.
    try_join_all(lines.iter().map(|line| world.cli(line))).await?;
    world.cli(&["dead", "export", "letters.ndjson", "--state", "all"]).await?.success()?;
    world.cli(&["dead", "replay", &ids[0], "--yes"]).await?.success()
}

/// A new master key while everything runs, and once more with nothing to do.
pub(super) async fn rotates_the_key(world: &World) -> Result<()> {
    for more in [&["--new-key", "-vv"][..], &["--json"]] {
        world.cli(&[&["tokens", "rotate-key", "--yes"], more].concat()).await?.success()?;
    }
    world.cli(&["tokens", "refresh", "branded"]).await?.success()
}

/// The end of a mall that had just consented, looked at first.
pub(super) async fn disconnects(world: &World, mall: &str) -> Result<()> {
    for more in [["--dry-run", "-vv"], ["--yes", "--json"]] {
        world.cli(&[&["disconnect", mall], &more[..]].concat()).await?.success()?;
    }
    Ok(())
}

/// The same programs without their servers, and with secrets of a wrong form: errors love to show what they are about.
pub(super) async fn breaks_things(world: &World, secrets: &SecretFiles) -> Result<()> {
    let enqueue = ["enqueue", "--all", "--from", FROM, "--to", FROM, "--force", "--yes"];
    let commands = [("DATABASE_URL", &["status"][..]), ("AMQP_URL", &enqueue), ("REDIS_URL", &["status"])];
    let mut all = Vec::new();
    for (variable, command) in commands {
        let url = &world.programs.environment()[variable];
        let elsewhere = url.replace("127.0.0.1", "no-such-host.invalid");
        for broken in [Servers::through(url, 1), elsewhere, url.replace(':', "%zz")] {
            let programs = world.programs.clone().set(variable, broken);
            all.push(async move {
                programs.cli(command, SOON).await?;
                programs.cli(&["doctor"], SOON).await?;
                let worker = programs.worker()?;
                tokio::time::sleep(TRIES).await;
                if worker.is_running() { worker.kill().await } else { Ok(()) }
            });
        }
    }
    try_join_all(all).await?;
    let malformed = [
        ("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE", &secrets.broken_key),
        ("CAFE24_SYNC__ALERTS__WEBHOOK_URL_FILE", &secrets.broken_webhook),
    ];
    for (variable, file) in malformed {
        let programs = world.programs.clone().set(variable, file.to_string_lossy());
        for command in [&["config", "check"][..], &["doctor", "--json"], &["tokens", "list"], &["serve"]] {
            let refused = programs.cli(command, SOON).await?;
            assert_ne!((command[0], refused.code), ("serve", Some(0)), "{variable}: {refused:?}");
        }
    }
    Ok(())
}

/// Leaves a message in a queue, which nobody takes.
pub(super) async fn leaves_a_message(world: &World) -> Result<()> {
    world.enqueue(&["--mall", "good", "--from", FROM, "--to", TO, "--force", "--yes"]).await.map(drop)
}

/// The keys of the master key file, the first one first.
pub(super) fn keys(folder: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(folder.join(KEY)).context("the key")?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}
