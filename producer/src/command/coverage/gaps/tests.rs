use common::store::SeriesDays;

use super::super::count::tests::series;
use super::super::screen::tests::fresh;
use super::*;
use crate::output::golden::golden;
use crate::output::paint::bare;

fn ainong() -> Mall {
    Mall {
        freshness: fresh("ainong", "needs_you", Some("3 jobs failed for good: …")),
        series: vec![
            series("ainong", "visitors", "2026-02-08", "ccmmpccmt", "iiiiiiiii"),
            series("ainong", "pageviews", "2026-02-08", "ccmmmccmn", "iiiiiiiqi"),
            series("ainong", "products", "2026-02-08", "cccccmmmn", "iiiiifffq"),
            series("ainong", "domains", "2026-02-08", "cccccpcct", "iiiiipiii"),
        ],
    }
}

#[test]
fn gaps_are_the_very_commands_that_fill_them() {
    golden("coverage_gaps", |_| commands(&of(&ainong())));
}

#[test]
fn a_gap_is_up_to_yesterday_and_not_in_work() {
    let gaps = of(&ainong());
    let found: Vec<_> = gaps
        .iter()
        .map(|gap| format!("{} {}…{} {}", gap.endpoint, gap.days.from, gap.days.to, gap.days.of.word()))
        .collect();
    assert_eq!(
        found,
        [
            "visitors 2026-02-10…2026-02-12 idle",
            "visitors 2026-02-15…2026-02-15 idle",
            "pageviews 2026-02-10…2026-02-12 idle",
            "products 2026-02-13…2026-02-15 failed",
            "domains 2026-02-13…2026-02-13 paused",
        ]
    );
    let mut all = Found::default();
    all.add(&gaps, 0);
    assert_eq!(all.words(None, None), "8 slices to fetch, and 3 failed for good");
    assert!(all.words(Some("enqueue"), None).ends_with("good; all that did not fail at once: enqueue"));
    let failed = Found { failed: 3, ..Found::default() };
    assert_eq!(failed.words(Some("enqueue"), None), "0 slices to fetch, and 3 failed for good");
}

#[test]
fn what_waits_behind_a_pause_is_no_gap_and_is_not_called_queued() {
    let mut mall = ainong();
    for series in &mut mall.series {
        series.days.iter_mut().for_each(|day| (day.in_job, day.work) = (true, WorkState::Paused));
    }
    let mut all = Found::default();
    all.add(&of(&mall), held(&mall));
    assert_eq!(
        all.words(Some("enqueue"), None),
        "nothing to fetch that has no job\n\
         12 slices have a job that is paused → cafe24-sync endpoints list, cafe24-sync malls list, cafe24-sync queue list"
    );
}

#[test]
fn shops_of_a_mall_with_other_gaps_have_other_commands() {
    let of_shop = |shop, endpoint, data: &str| {
        let work = "i".repeat(data.len());
        SeriesDays { shop_no: shop, ..series("ainong", endpoint, "2026-02-08", data, &work) }
    };
    let mall = Mall {
        freshness: fresh("ainong", "late", None),
        series: vec![
            of_shop(1, "visitors", "cmmcm"),
            of_shop(2, "visitors", "cmmmm"),
            of_shop(1, "pageviews", "cmmcm"),
            of_shop(2, "pageviews", "ccccm"),
            of_shop(1, "domains", "ccccm"),
            of_shop(2, "domains", "ccccm"),
        ],
    };
    let gaps = of(&mall);
    let commands = bare(&commands(&gaps));
    let lines: Vec<_> =
        commands.lines().map(|line| line.trim_start_matches("cafe24-sync enqueue --mall ainong")).collect();
    assert_eq!(
        lines,
        [
            " --shop 1 --from 2026-02-09 --to 2026-02-10 --endpoint pageviews visitors   # 4 slices: missing",
            " --shop 2 --from 2026-02-09 --to 2026-02-12 --endpoint visitors   # 4 slices: missing",
            " --from 2026-02-12 --to 2026-02-12 --endpoint domains pageviews   # 4 slices: missing",
            " --shop 1 --from 2026-02-12 --to 2026-02-12 --endpoint visitors   # 1 slice: missing",
        ]
    );
    assert!(gaps[0].remedy().contains(" --mall ainong --shop 1 --from"), "{}", gaps[0].remedy());
}

#[test]
fn later_pages_have_no_heading() {
    let gaps = of(&ainong());
    assert!(plain(&gaps, true).starts_with("mall_id\t"));
    assert!(plain(&gaps, false).starts_with("ainong\t1\tvisitors\t2026-02-10\t2026-02-12\t2\t1\tidle\n"));
}
