//! Figures for `docs/adr/0002`; printed by
//! `TEST_REDIS_URL=… cargo test -p cafe24-sync-common --release -- --ignored --nocapture take_measured`.

use tokio::time::Instant;

use super::*;

#[tokio::test]
#[ignore = "prints figures"]
#[expect(clippy::print_stdout, reason = "figures for people")]
async fn take_measured() {
    const CALLS: usize = 20_000;
    let Some(url) = test_redis() else { return };
    let config = BucketConfig { refill_per_second: 1_000.0, ..fast() };
    let limiter = RedisLimiter::connect(&url, &prefix(), config).expect("settings");
    let mut redis = raw(&url).await;
    let keys: Vec<_> = (0..200).map(|number| key(&format!("mall{number}"))).collect();
    for key in &keys {
        granted(&limiter, key).await;
    }
    let () = redis::cmd("CONFIG").arg("RESETSTAT").query_async(&mut redis).await.expect("reset");
    let mut micros = Vec::with_capacity(CALLS);
    for call in 0..CALLS {
        let began = Instant::now();
        limiter.take(&keys[call % keys.len()], Duration::from_secs(1)).await.expect("Redis answers");
        micros.push(began.elapsed().as_micros());
    }
    micros.sort_unstable();
    println!("take, one at a time: p50 {} µs, p99 {} µs", micros[CALLS / 2], micros[CALLS * 99 / 100]);
    let began = Instant::now();
    let levels = limiter.levels(&keys).await.expect("Redis answers");
    println!("levels of {} keys: {} µs", levels.len(), began.elapsed().as_micros());
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis).await.expect("stats");
    for line in stats.lines().filter(|line| line.contains("evalsha") || line.contains("info")) {
        println!("{line}");
    }
}
