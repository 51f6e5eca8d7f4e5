use std::time::Duration;

use common::domain::bucket::Reserve;
use common::domain::lanes::MallLanes;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::crew::Crew;
use crate::output::paint::bare;

fn at(kst: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-02-{kst}+09:00")).expect("a time").to_utc()
}

fn key(text: &str) -> LimiterKey {
    LimiterKey::try_from(text.to_owned()).expect("a key")
}

fn gauge(tokens: f64, per_second: f64) -> Gauge {
    Gauge { tokens, capacity: 35, per_second, silent: Duration::ZERO, known: true }
}

fn terms(gauges: &[(&str, Gauge)]) -> Terms {
    Terms {
        now: at("16T10:00:00"),
        hours: None,
        paused: Vec::new(),
        malls: BTreeMap::new(),
        reserve: Reserve::NONE,
        gauges: gauges.iter().map(|(name, gauge)| (key(name), *gauge)).collect(),
        usual: Gauge { known: false, ..gauge(0.0, 2.0) },
        unread: false,
        absent: None,
    }
}

fn demand(name: &str, own: f64, lane: Lane) -> Demand {
    planned(&[(key(name), own)].into(), lane, &[]).remove(0)
}

fn seconds(demand: &Demand, terms: &Terms) -> Option<u64> {
    eta(std::slice::from_ref(demand), terms).expect("work").seconds
}

#[test]
fn the_bucket_that_takes_longest_sets_the_end_not_the_one_with_the_most_requests() {
    let terms = terms(&[("a", gauge(35.0, 2.0)), ("b", gauge(2.0, 2.0)), ("c", gauge(0.0, 0.5))]);
    let demands = [("a", 120.0), ("b", 100.0), ("c", 30.0)].map(|(name, own)| demand(name, own, Lane::Fresh));
    let eta = eta(&demands, &terms).expect("work");
    assert_eq!((eta.key.as_str(), eta.seconds, eta.tokens), ("c", Some(60), Some(0)));
}

#[rstest]
#[case::all_are_there(30.0, gauge(35.0, 2.0), 0)]
#[case::the_rest_at_its_pace(362.0, gauge(2.0, 2.0), 180)]
#[case::a_share_is_left_to_others(362.0, gauge(25.0, 1.5), 225)]
#[case::an_unknown_bucket_is_full(135.0, Gauge { known: false, ..gauge(0.0, 2.0) }, 50)]
#[case::a_debt_is_paid_by_waiting(10.0, gauge(-3.0, 2.0), 5)]
#[case::a_silence_fills_the_bucket(40.0, Gauge { silent: Duration::from_secs(10), ..gauge(0.0, 2.0) }, 20)]
fn requests_wait_for_the_tokens_that_are_not_there(
    #[case] own: f64,
    #[case] gauge: Gauge,
    #[case] expected: u64,
) {
    assert_eq!(seconds(&demand("a", own, Lane::Fresh), &terms(&[("a", gauge)])), Some(expected));
}

#[test]
fn a_fresh_plan_goes_before_the_backfill_and_a_backfill_behind_everything() {
    let open =
        Demand { fresh: 10.0, backfill: 500.0, backfill_out: 8.0, ..demand("a", 510.0, Lane::Backfill) };
    let requests = [(key("a"), 20.0)].into();
    let terms = terms(&[("a", gauge(0.0, 2.0))]);
    let of = |lane| eta(&planned(&requests, lane, std::slice::from_ref(&open)), &terms).expect("work");
    let (fresh, backfill) = (of(Lane::Fresh), of(Lane::Backfill));
    assert_eq!((fresh.seconds, fresh.requests, fresh.before), (Some(15), 20, 10));
    assert_eq!((backfill.seconds, backfill.requests, backfill.before), (Some(265), 20, 510));
}

#[rstest]
#[case::before_the_hours("16T00:30:00", 100.0, "16T01:00:32", Some("16T01:00:00"))]
#[case::within_them("16T03:00:00", 100.0, "16T03:00:50", None)]
#[case::after_them("16T10:00:00", 100.0, "17T01:00:32", Some("17T01:00:00"))]
#[case::more_than_a_night("16T01:00:00", 50_000.0, "17T02:56:22", Some("17T01:00:00"))]
fn a_backfill_goes_on_in_its_hours_and_begins_each_night_with_a_full_bucket(
    #[case] now: &str,
    #[case] own: f64,
    #[case] done: &str,
    #[case] waits_for: Option<&str>,
) {
    let mut terms = terms(&[("a", gauge(0.0, 2.0))]);
    (terms.now, terms.hours) = (at(now), "01:00-06:00".parse().ok());
    let eta = eta(&[demand("a", own, Lane::Backfill)], &terms).expect("work");
    // 5 hours are 36,000 requests, and 35 are there in the next night.
    let far = (eta.done(terms.now).expect("an end") - at(done)).num_seconds().abs();
    assert!(far <= 1, "{:?} for {done}", eta.done(terms.now));
    assert_eq!(eta.bound, waits_for.map_or(Bound::Budget, |time| Bound::Hours(at(time))));
    let fresh = demand("a", own, Lane::Fresh);
    assert_eq!(super::eta(&[fresh], &terms).expect("work").bound, Bound::Budget);
}

#[test]
fn what_is_with_the_workers_already_waits_for_no_hours() {
    let mut terms = terms(&[("a", gauge(0.0, 2.0))]);
    terms.hours = "01:00-06:00".parse().ok();
    let out = Demand { backfill_out: 8.0, ..demand("a", 8.0, Lane::Backfill) };
    assert_eq!(seconds(&out, &terms), Some(4));
}

#[test]
fn a_job_whose_time_has_not_come_is_not_over_before_it() {
    let terms = terms(&[("a", gauge(35.0, 2.0))]);
    let mut retry = demand("a", 20.0, Lane::Fresh);
    (retry.later, retry.first_later) = (1.0, Some(at("16T10:05:00")));
    retry.last_later = retry.first_later;
    let eta = eta(&[retry.clone()], &terms).expect("work");
    assert_eq!((eta.seconds, eta.bound), (Some(300), Bound::Later(at("16T10:05:00"))));
    retry.own = 700.0;
    retry.fresh = 700.0;
    assert_eq!(super::eta(&[retry], &terms).expect("work").bound, Bound::Budget);
}

#[test]
fn nobody_knows_when_a_paused_lane_is_done_and_others_are_not_kept_by_it() {
    let mut terms = terms(&[("a", gauge(0.0, 2.0))]);
    terms.paused = vec![Lane::Backfill];
    let backfill = eta(&[demand("a", 10.0, Lane::Backfill)], &terms).expect("work");
    assert_eq!((backfill.seconds, backfill.bound), (None, Bound::Paused(Lane::Backfill)));
    assert_eq!(seconds(&demand("a", 10.0, Lane::Fresh), &terms), Some(5));
    assert!(backfill.words(terms.now, true).contains("queue resume backfill"));
}

/// A mall with hours, or a paused lane, of its own.
fn mall(key: &str, mall: &str, hours: Option<&str>, paused: &[Lane], waiting: &[Lane]) -> MallLanes {
    MallLanes {
        key: LimiterKey::try_from(key.to_owned()).expect("a key"),
        mall: mall.parse().expect("a mall"),
        hours: hours.map(|hours| hours.parse().expect("hours")),
        paused: paused.to_vec(),
        waiting: waiting.to_vec(),
    }
}

#[test]
fn a_malls_own_hours_and_pauses_set_its_end_and_nobody_elses() {
    let mut terms = terms(&[("a", gauge(0.0, 2.0)), ("b", gauge(0.0, 2.0)), ("c", gauge(0.0, 2.0))]);
    terms.hours = "01:00-06:00".parse().ok();
    let own = [mall("b", "b", Some("always"), &[], &[]), mall("c", "c", None, &[Lane::Backfill], &[])];
    terms.malls = own.into_iter().map(|mall| (mall.key.clone(), vec![mall])).collect();
    let of = |key: &str| eta(&[demand(key, 10.0, Lane::Backfill)], &terms).expect("work");
    assert!(matches!(of("a").bound, Bound::Hours(_)));
    assert_eq!((of("b").seconds, of("b").bound), (Some(5), Bound::Budget));
    assert_eq!((of("c").seconds, of("c").bound), (None, Bound::Held(Lane::Backfill)));
    let told = of("c").words(terms.now, true);
    assert_eq!(
        crate::output::paint::bare(&told),
        "nobody knows: lane backfill is paused for mall c → cafe24-sync queue list"
    );
    assert_eq!(seconds(&demand("c", 10.0, Lane::Fresh), &terms), Some(5), "its fresh days are sent");
}

#[test]
fn of_malls_that_share_a_bucket_the_slowest_with_waiting_jobs_sets_the_end() {
    let mut terms = terms(&[("s", gauge(0.0, 2.0))]);
    let (waits, idle) = ([Lane::Backfill], []);
    for (a, b, bound) in [
        (&waits[..], &idle[..], "budget"),
        (&idle[..], &waits[..], "paused"),
        (&waits[..], &waits[..], "paused"),
    ] {
        let malls = vec![mall("s", "a", None, &[], a), mall("s", "b", None, &[Lane::Backfill], b)];
        terms.malls = [(malls[0].key.clone(), malls)].into();
        let eta = eta(&[demand("s", 10.0, Lane::Backfill)], &terms).expect("work");
        assert_eq!(eta.json(terms.now)["bound"], bound, "{a:?} {b:?}");
    }
}

#[test]
fn nobody_knows_an_end_while_redis_does_not_answer_and_that_is_said() {
    let mut terms = terms(&[]);
    terms.unread = true;
    let eta = eta(&[demand("a", 1.0, Lane::Fresh)], &terms).expect("work");
    assert_eq!((eta.seconds, eta.tokens, eta.bound), (None, None, Bound::Unread));
    for words in [eta.words(terms.now, true), eta.end_words(terms.now, true)] {
        assert!(words.starts_with("? · Redis does not answer"), "{words}");
    }
    let told = eta.json(terms.now);
    assert_eq!(
        (&told["bound"], &told["seconds"], &told["done_at"]),
        (&"unread".into(), &json!(null), &json!(null))
    );
    // What is known all the same goes before.
    terms.paused = vec![Lane::Fresh];
    let paused = super::eta(&[demand("a", 1.0, Lane::Fresh)], &terms).expect("work");
    assert_eq!(paused.bound, Bound::Paused(Lane::Fresh));
}

#[test]
fn nothing_to_do_has_no_end() {
    assert_eq!(eta(&[demand("a", 0.0, Lane::Fresh)], &terms(&[])), None);
    assert_eq!(eta(&[], &terms(&[])), None);
}

#[test]
fn an_end_is_told_with_what_sets_it() {
    let mut terms = terms(&[("moonlit", gauge(2.4, 1.5))]);
    let mut told = demand("moonlit", 1_000.0, Lane::Backfill);
    told.fresh = 80.0;
    let all = eta(&[told.clone()], &terms).expect("work");
    assert_eq!(
        all.end_words(terms.now, true),
        "done 10:11, set by mall moonlit: 1,080 requests (80 go before), 2 tokens left, 1.5/s"
    );
    terms.hours = "01:00-06:00".parse().ok();
    terms.gauges.clear();
    let night = eta(&[told], &terms).expect("work");
    assert_eq!(
        night.words(terms.now, false),
        "15 h 08 m  set by bucket moonlit: 1,080 requests (80 go before), ? tokens left, 2/s \
         · backfill waits until 02-17 01:00 KST"
    );
    assert_eq!(night.json(terms.now)["waits_until"], "2026-02-17T01:00:00+09:00");
}

#[test]
fn what_waits_for_nobody_at_work_has_no_end() {
    let mut terms = Terms { absent: Some(Absent::Workers), ..terms(&[]) };
    let of = |terms: &Terms| eta(&[demand("moonlit", 200.0, Lane::Backfill)], terms).expect("work");
    let end = of(&terms).end_words(terms.now, true);
    assert_eq!(bare(&end), "? · no worker runs: nothing is fetched → start cafe24-sync-worker run");
    let told = of(&terms).json(terms.now);
    assert_eq!((&told["bound"], &told["seconds"]), (&"no_worker".into(), &json!(null)));
    // A paused lane is said first: to start a worker would not be enough.
    terms.paused = vec![Lane::Backfill];
    assert_eq!(of(&terms).bound, Bound::Paused(Lane::Backfill));
    // And a broker that is away before whoever is not at work.
    let away = Terms { absent: Some(Absent::Broker), paused: Vec::new(), ..terms }.at_work(&Crew::default());
    assert_eq!(
        bare(&of(&away).words(away.now, true)),
        "? · RabbitMQ does not answer: nothing is handed over → cafe24-sync doctor"
    );
    assert_eq!(of(&away).json(away.now)["bound"], "no_broker");
}
