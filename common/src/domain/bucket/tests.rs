//! Properties of the bucket, against model servers of both kinds.

mod server;
mod table;
mod world;

use proptest::prelude::*;

use self::server::{Refill, TOKEN_US};
use self::world::{Fault, HEARD_US, Plan, REDIS_LEG_US, Report, World};
use super::*;

fn limits(capacity: i64) -> Limits {
    Limits {
        capacity,
        server_capacity: 40,
        token_us: TOKEN_US,
        floor: 5,
        floor_pause_us: 2_000_000,
        settle_us: 1_000_000,
    }
}

fn plan(capacity: i64) -> Plan {
    Plan {
        limits: limits(capacity),
        refill: Refill::Even,
        workers: 4,
        jitter_us: 50_000,
        seed: 1,
        jobs: u64::MAX,
        until_us: 600_000_000,
        faults: Vec::new(),
        warm: false,
    }
}

/// No worker sends during the 2 s after an answer below the floor; others learn of it within a moment.
fn assert_floor_rule(plan: &Plan, report: &Report) {
    for &(answered_us, teller) in &report.floors {
        for &(sent_us, worker) in &report.sent_us {
            let told_us = if worker == teller { 0 } else { REDIS_LEG_US + HEARD_US };
            let silent = answered_us + told_us..answered_us + plan.limits.floor_pause_us;
            assert!(!silent.contains(&sent_us), "sent at {sent_us}, floor answer at {answered_us}: {plan:?}");
        }
    }
}

fn run(plan: Plan) -> Report {
    let report = World::run(plan.clone());
    assert_floor_rule(&plan, &report);
    report
}

fn refills() -> impl Strategy<Value = Refill> {
    prop_oneof![Just(Refill::Even), (0..1_000_000_i64).prop_map(Refill::Steps)]
}

proptest! {
    #[test]
    fn no_429_and_97_percent_of_the_budget_under_50_ms_of_jitter(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64, warm: bool,
    ) {
        let report = run(Plan { refill, workers, jitter_us, seed, warm, until_us: 90_000_000, ..plan(35) });
        prop_assert_eq!(report.throttled, 0);
        let allowed = 35 + 2 * 90;
        prop_assert!(report.served * 100 >= allowed * 97, "{} of {allowed}", report.served);
    }

    #[test]
    fn no_429_under_500_ms_of_jitter_and_any_working_capacity_up_to_36(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=500_000_i64, seed: u64, capacity in 1..=36_i64,
    ) {
        let report = run(Plan { refill, workers, jitter_us, seed, until_us: 60_000_000, ..plan(capacity) });
        prop_assert_eq!(report.throttled, 0);
        prop_assert!(report.served >= 112, "{}", report.served);
    }

    #[test]
    fn a_store_that_forgets_fails_over_or_jumps_and_workers_that_die_cause_no_429(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64, warm: bool,
        faults in prop::collection::vec((0..60_000_000_i64, faults()), 1..4),
    ) {
        let mut faults = faults;
        // Two losses within the settle time have no proof between them: at least 5 s apart.
        faults.sort_by_key(|(at_us, _)| *at_us);
        faults.dedup_by(|b, a| b.0 - a.0 < 5_000_000);
        let report = run(Plan { refill, workers, jitter_us, seed, warm, faults, until_us: 90_000_000, ..plan(35) });
        prop_assert_eq!(report.throttled, 0);
        prop_assert!(report.served >= 180, "{}", report.served);
    }

    #[test]
    fn a_burst_of_somebody_else_costs_few_429(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64,
        at_us in 20_000_000..40_000_000_i64, tokens in 1..=40_i64,
    ) {
        let faults = vec![(at_us, Fault::Foreign(tokens))];
        let report = run(Plan { refill, workers, jitter_us, seed, faults, until_us: 60_000_000, ..plan(35) });
        prop_assert!(report.throttled <= 1, "{}", report.throttled);
    }
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Flush),
        Just(Fault::Failover),
        prop_oneof![Just(-3_600_000_000_i64), Just(3_600_000_000), -5_000_000..5_000_000_i64]
            .prop_map(Fault::Clock),
        (1..4_u32).prop_map(Fault::Crash),
    ]
}
