//! A share for others: what they find, and what is left of our budget.

use super::*;

/// A bucket of 40, a share of it, and the same share of the refill.
fn sharing(percent: i64) -> Limits {
    Limits { reserve: Reserve::try_from(percent).expect("a share"), ..limits(35) }
}

fn shares() -> impl Strategy<Value = i64> {
    1..=90_i64
}

/// Above them our part is a token or two: a turn that nobody takes is lost, and cannot be made up for.
fn shares_that_leave_a_burst() -> impl Strategy<Value = i64> {
    1..=70_i64
}

/// What we may use in `seconds`, of the tokens that are ours and their refill.
fn allowed(limits: &Limits, seconds: i64) -> i64 {
    let full = Bucket::default().gauge(limits, 1, 1 << 50);
    full.capacity + seconds * 2 * (100 - i64::from(limits.reserve.percent())) / 100
}

/// Somebody else who takes `burst` tokens at once while we work, and then one each `every_us`.
fn steady(burst: i64, every_us: i64, until_us: i64) -> Vec<(i64, Fault)> {
    let first_us = 20_000_000;
    let single = |n| (first_us + n * every_us, Fault::Foreign(1));
    let singles = (1..=(until_us - first_us) / every_us).map(single);
    std::iter::once((first_us, Fault::Foreign(burst))).chain(singles).collect()
}

proptest! {
    #[test]
    fn the_share_stays_in_the_servers_bucket_and_the_rest_is_used_to_97_percent(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64, warm: bool,
        percent in shares_that_leave_a_burst(),
    ) {
        let limits = sharing(percent);
        let report = run(&Plan { limits, refill, workers, jitter_us, seed, warm, until_us: 300_000_000, ..plan(35) });
        prop_assert_eq!(report.throttled, 0);
        prop_assert!(report.lowest * 100 >= percent * 40, "{} left of {percent} %", report.lowest);
        let (served, most) = (i64::try_from(report.served).expect("few"), allowed(&limits, 300));
        prop_assert!(served <= most + 1 && served * 100 >= most * 97 - 200, "{served} of {most}");
    }

    #[test]
    fn others_who_use_their_share_are_never_refused_and_take_nothing_of_ours(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64, percent in 5..=60_i64,
    ) {
        let (limits, until_us) = (sharing(percent), 300_000_000);
        // A step of the server comes up to a second late; what they took in it is theirs in the next.
        let faults = steady(percent * 40 / 100 - 1, 50_000_000 / percent, until_us);
        let report = run(&Plan { limits, refill, workers, jitter_us, seed, until_us, faults, ..plan(35) });
        prop_assert_eq!((report.withheld, report.throttled), (0, 0));
        let (served, most) = (i64::try_from(report.served).expect("few"), allowed(&limits, 300));
        prop_assert!(served * 100 >= most * 96 - 200, "{served} of {most}");
    }

    #[test]
    fn others_who_take_twice_their_share_slow_us_down_and_cost_few_429s(
        refill in refills(), seed: u64, percent in 20..=45_i64,
    ) {
        let (limits, until_us) = (sharing(percent), 300_000_000);
        let faults = steady(0, 25_000_000 / percent, until_us);
        let report = run(&Plan { limits, refill, seed, until_us, faults, ..plan(35) });
        prop_assert!(report.throttled <= 6, "{} of {}", report.throttled, report.served);
        let most = allowed(&limits, 300);
        prop_assert!(i64::try_from(report.served).expect("few") < most, "we yielded nothing");
    }

    #[test]
    fn a_loss_of_the_level_leaves_the_share_alone(
        refill in refills(), workers in 1..=8_usize, jitter_us in 0..=50_000_i64, seed: u64, percent in shares(),
        fault in faults(), at_us in 0..60_000_000_i64,
    ) {
        let limits = sharing(percent);
        let faults = vec![(at_us, fault)];
        let report = run(&Plan { limits, refill, workers, jitter_us, seed, faults, until_us: 120_000_000, ..plan(35) });
        prop_assert!(report.lowest * 100 >= percent * 40, "{} left of {percent} %", report.lowest);
    }

    #[test]
    fn another_share_keeps_what_was_used(takes in 0..35, first in 0..=90_i64, second in 0..=90_i64) {
        let now_us = 1 << 50;
        let (before, after) = (sharing(first), sharing(second));
        let mut bucket = Bucket::full(&before, 1, now_us);
        let used = (0..takes).filter(|_| matches!(bucket.take(&before, 1, now_us, 0), Decision::Granted(_))).count();
        let full = Bucket::full(&after, 1, now_us).gauge(&after, 1, now_us).tokens;
        let left = bucket.gauge(&after, 1, now_us).tokens;
        let used = f64::from(u32::try_from(used).expect("few"));
        prop_assert!((full - left - used).abs() < 0.01, "{full} − {used} ≠ {left}");
    }
}
