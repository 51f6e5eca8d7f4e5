//! The figures behind the default capacity; printed by
//! `cargo test -p cafe24-sync-common --release -- --ignored --nocapture working_capacities_compared`.

use super::server::Refill;
use super::world::{Plan, World};
use super::*;

#[test]
#[ignore = "prints a table for docs/adr/0002"]
#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table for people")]
fn working_capacities_compared() {
    const RUNS: u64 = 200;
    println!(
        "capacity server  jitter_ms workers |  429  floor/run | served/(35+2T) min mean | 124 jobs: makespan ratio mean max | round trips a job"
    );
    for (refill, name) in [(Refill::Even, "even"), (Refill::Steps(300_000), "steps")] {
        for jitter_ms in [0, 50, 500] {
            for workers in [1, 4, 8] {
                for capacity in [33, 34, 35, 36] {
                    let (mut throttled, mut floors, mut worst, mut sum) = (0, 0, f64::MAX, 0.0);
                    let (mut slowest, mut makespans, mut calls, mut served) = (0.0_f64, 0.0, 0, 0);
                    for seed in 0..RUNS {
                        let shifted = match refill {
                            Refill::Even => Refill::Even,
                            Refill::Steps(_) => {
                                Refill::Steps(i64::try_from(seed).expect("small") * 1_000_000 / 200)
                            }
                        };
                        let plan = Plan {
                            refill: shifted,
                            jitter_us: jitter_ms * 1_000,
                            workers,
                            seed,
                            ..plan(capacity)
                        };
                        let long = World::run(Plan { until_us: 60_000_000, ..plan.clone() });
                        throttled += long.throttled;
                        floors += long.floors.len();
                        let used = long.served as f64 / (35.0 + 120.0);
                        worst = worst.min(used);
                        sum += used;
                        calls += long.takes + long.told;
                        served += long.served;
                        let short = World::run(Plan { jobs: 124, ..plan });
                        throttled += short.throttled;
                        let ratio = short.done_us as f64 / 44_500_000.0;
                        slowest = slowest.max(ratio);
                        makespans += ratio;
                    }
                    println!(
                        "{capacity:8} {name:6} {jitter_ms:9} {workers:8} | {throttled:4} {:10.2} | {worst:8.3} {:8.3} | {:12.3} {slowest:8.3} | {:.3}",
                        floors as f64 / RUNS as f64,
                        sum / RUNS as f64,
                        makespans / RUNS as f64,
                        calls as f64 / served as f64,
                    );
                }
            }
        }
    }
}
