//! Properties of the bucket, against model servers of both kinds.

mod reserve;
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
        reserve: Reserve::NONE,
    }
}

/// Tokens to take at `now_us`.
fn level(bucket: &Bucket, limits: &Limits, now_us: i64) -> f64 {
    bucket.gauge(limits, 1, now_us).level()
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

fn run(plan: &Plan) -> Report {
    let report = World::run(plan.clone());
    assert_floor_rule(plan, &report);
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
        let report = run(&Plan { refill, workers, jitter_us, seed, warm, until_us: 90_000_000, ..plan(35) });
        prop_assert_eq!(report.throttled, 0);
        let allowed = 35 + 2 * 90;
        prop_assert!(report.served * 100 >= allowed * 97, "{} of {allowed}", report.served);
    }

    #[test]
    fn no_429_under_500_ms_of_jitter_and_any_working_capacity_up_to_36(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=500_000_i64, seed: u64, capacity in 1..=36_i64,
    ) {
        let report = run(&Plan { refill, workers, jitter_us, seed, until_us: 60_000_000, ..plan(capacity) });
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
        let report = run(&Plan { refill, workers, jitter_us, seed, warm, faults, until_us: 90_000_000, ..plan(35) });
        prop_assert_eq!(report.throttled, 0);
        prop_assert!(report.served >= 180, "{}", report.served);
    }

    #[test]
    fn a_flush_in_the_middle_of_a_burst_causes_no_429(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=500_000_i64, seed: u64, flush_us in 0..1_500_000_i64,
    ) {
        let faults = vec![(flush_us, Fault::Flush)];
        let plan = Plan { refill, workers, jitter_us, seed, faults, warm: true, until_us: 30_000_000, ..plan(35) };
        prop_assert_eq!(run(&plan).throttled, 0);
    }

    #[test]
    fn somebody_elses_burst_costs_at_most_one_429_in_steady_work_and_those_in_flight_in_a_burst_of_ours(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64,
        at_us in 0..40_000_000_i64, tokens in 1..=40_i64,
    ) {
        let faults = vec![(at_us, Fault::Foreign(tokens))];
        let report = run(&Plan { refill, workers, jitter_us, seed, faults, until_us: 60_000_000, ..plan(35) });
        let most = if at_us > 20_000_000 { 1 } else { 2 * workers as u64 };
        prop_assert!(report.throttled <= most, "{}", report.throttled);
    }

    #[test]
    fn in_any_window_no_more_is_granted_than_the_capacity_and_the_refill(
        steps in prop::collection::vec((0..3_000_000_i64, 0..=1_000_000_i64), 1..300), capacity in 1..=40_i32,
    ) {
        let limits = limits(capacity.into());
        let (mut bucket, mut now_us, mut slots) = (Bucket::default(), 1 << 50, Vec::new());
        for (index, (pause_us, horizon_us)) in steps.into_iter().enumerate() {
            now_us += if index % 3 == 0 { pause_us } else { pause_us % 1_000 };
            if let Decision::Granted(slot) = bucket.take(&limits, 1, now_us, horizon_us) {
                prop_assert!((0..=horizon_us).contains(&slot.wait_us));
                slots.push(now_us + slot.wait_us);
            }
            let tokens = level(&bucket, &limits, now_us);
            prop_assert!((0.0..=f64::from(capacity)).contains(&tokens));
        }
        slots.sort_unstable();
        for (first, from_us) in slots.iter().enumerate() {
            for (last, to_us) in slots.iter().enumerate().skip(first) {
                let granted = i64::try_from(last - first).expect("small") + 1;
                prop_assert!(granted <= i64::from(capacity) + (to_us - from_us) / TOKEN_US);
            }
        }
    }

    #[test]
    fn feedback_never_raises_a_proved_level_beyond_unused_slots(
        remaining in prop::option::of(-5..100_i64), burst in prop::option::of(-5..100_i64), rate in prop::option::of(-5..9_i64),
        throttled: bool, elapsed_ms in 0..20_000_u64, in_flight in 0..20_u32, takes in 0..45, proof in 0..3_i64,
    ) {
        let (limits, now_us) = (limits(35), 1 << 50);
        let mut bucket = Bucket::full(&limits, 1, now_us);
        for _ in 0..takes {
            bucket.take(&limits, 1, now_us, 1_000_000);
        }
        let before = level(&bucket, &limits, now_us);
        let mut seen = Seen::new(&limits, remaining, burst, rate).aged(Duration::from_millis(elapsed_ms), in_flight);
        if throttled {
            seen = seen.throttled(Some(Duration::MAX));
        }
        let observed = bucket.observe(&limits, 1, now_us, (now_us, proof), &seen);
        prop_assert!(observed.silent_us <= as_us(MAX_SILENCE));
        let later_us = now_us + observed.silent_us;
        let tokens = level(&bucket, &limits, later_us);
        let silent = Duration::from_micros(observed.silent_us.unsigned_abs());
        let refill = silent.as_secs_f64() * 2.0;
        // A slot given back is at most the one in progress.
        prop_assert!(tokens <= (before + refill + 1.0).min(35.0), "{before} → {tokens}");
    }
}

#[test]
fn a_clock_that_goes_back_an_hour_keeps_the_level_and_stalls_nobody() {
    let (limits, now_us) = (limits(35), 1 << 50);
    let mut bucket = Bucket::full(&limits, 1, now_us);
    for _ in 0..10 {
        bucket.take(&limits, 1, now_us, 0);
    }
    let earlier_us = now_us - 3_600_000_000;
    assert!((level(&bucket, &limits, earlier_us) - 25.0).abs() < 1e-9);
    assert!(matches!(bucket.take(&limits, 1, earlier_us, 0), Decision::Granted(_)));
    assert!((level(&bucket, &limits, earlier_us) - 24.0).abs() < 1e-9);
}

#[test]
fn an_unknown_bucket_has_one_token_and_the_first_settled_answer_proves_the_rest() {
    let (limits, start_us) = (limits(35), 1 << 50);
    let mut bucket = Bucket::default();
    let mut proofs = Vec::new();
    for now_us in [start_us, start_us + 500_000, start_us + 1_000_000] {
        let Decision::Granted(slot) = bucket.take(&limits, 1, now_us, 0) else { panic!("refused") };
        assert!(matches!(bucket.take(&limits, 1, now_us, 0), Decision::Refused { .. }));
        proofs.push(slot.proof);
    }
    assert_eq!(proofs, [0, 0, 3]);
    let seen = Seen::new(&limits, Some(38), Some(40), Some(2));
    bucket.observe(&limits, 1, start_us + 1_000_000, (start_us + 1, 3), &seen);
    assert!(level(&bucket, &limits, start_us + 1_000_000) < 1.0, "an answer to another life of the bucket");
    bucket.observe(&limits, 1, start_us + 1_000_000, (start_us, 3), &seen);
    assert!((level(&bucket, &limits, start_us + 1_000_000) - 33.0).abs() < 1e-9);
}

#[test]
fn a_smaller_server_lowers_our_numbers_and_its_recovery_restores_no_more_than_our_own() {
    let (limits, now_us) = (limits(35), 1 << 50);
    let mut bucket = Bucket::full(&limits, 1, now_us);
    let full_us = now_us + 60_000_000;
    bucket.observe(&limits, 1, now_us, (0, 0), &Seen::new(&limits, None, Some(20), Some(1)));
    assert!((level(&bucket, &limits, full_us) - 15.0).abs() < 1e-9);
    bucket.observe(&limits, 1, full_us, (0, 0), &Seen::new(&limits, None, Some(400), Some(9)));
    assert!((level(&bucket, &limits, full_us + 60_000_000) - 35.0).abs() < 1e-9);
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
