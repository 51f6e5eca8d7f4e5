//! What Postgres told while a listening session was made anew: nobody heard it, so everything is looked at again.

use std::time::Duration;

use common::store::{Channel, Control};
use tests::harness::proxy::{Fault, Proxy};
use tests::harness::{Context as _, Result, Servers, World, WorldConfig, wait_until};
use tokio::time::{sleep, timeout};

use super::stage::{SOON, Setting, Size, Stage, is_true};

const LISTENING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'LISTEN%'";

/// Feeder, duty of pauses and `connect` wait for other things as well, and look in between at what has arrived: the end of
/// a session must not pass unseen on either way.
#[tokio::test]
async fn p01_a_listening_session_that_was_made_anew_says_so_however_briefly_it_is_waited_for() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let control = Control::new(world.db.url(), 2).context("a pool")?;
    let mut told = control.listen(&[Channel::Feed]).await.context("a session")?;
    for waits in [false, true] {
        is_true(world.db.number(END).await? == 1, || "no session to end".to_owned())?;
        let anew = async {
            loop {
                let heard = if waits {
                    timeout(Duration::from_micros(100), told.next()).await.ok()
                } else {
                    told.next_arrived()
                };
                match heard {
                    Some(heard) => break heard,
                    None => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let heard = timeout(SOON, anew).await.context("nobody was told")?.context("a new session")?;
        is_true(heard.is_none(), || format!("{heard:?}"))?;
        // It listens from then on.
        world
            .db
            .client()
            .batch_execute("SELECT pg_notify('cafe24_feed', 'hanbit')")
            .await
            .context("notify")?;
        let heard = timeout(SOON, told.next()).await.context("deaf")?.context("a session")?;
        is_true(heard.as_deref() == Some("hanbit"), || format!("{heard:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn h02_a_pause_that_nobody_heard_stops_its_mall_as_soon_as_postgres_is_heard_again() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.database)).await?;
    let setting = Setting {
        database: Some(&proxy),
        // Half a minute of work in the worker's hands.
        env: &[("CAFE24_SYNC__FEED__HORIZON", "30s")],
        ..Setting::default()
    };
    let size = Size { malls: 1, speed: 1, capacity: 5, ..Size::default() };
    let stage = Stage::start_with(size, setting).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    stage.enqueue().await?;
    let in_hand = "SELECT count(*) FROM jobs WHERE work_state = 'running'";
    wait_until("a full hand", SOON, || async { Ok(stage.number(in_hand).await? >= 40) }).await?;

    proxy.set(Fault::Reset);
    wait_until("nobody to listen", SOON, || async { Ok(stage.number(LISTENING).await? == 0) }).await?;
    stage.sql("UPDATE connectors SET state = 'paused'").await?;
    proxy.set(Fault::None);
    wait_until("the worker to listen", SOON, || async {
        let by_worker = format!("{LISTENING} AND usename = 'cafe24_test_worker'");
        Ok(stage.number(&by_worker).await? == 1)
    })
    .await?;
    let before = stage.requests();
    wait_until("an empty hand", SOON * 2, || async { Ok(stage.number(in_hand).await? == 0) }).await?;
    let since = stage.requests() - before;
    // Two are under way at most; a busy machine needs a moment to see that the session stands.
    is_true(since <= 20, || format!("{since} requests after the worker could have known"))?;
    is_true(stage.number("SELECT count(*) FROM jobs WHERE work_state = 'parked'").await? > 0, || {
        "nothing was left to stop".to_owned()
    })
}
