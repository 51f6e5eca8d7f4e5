//! `coverage`: what is there and what is being done, by day; the gaps, and how to fill them.

mod count;

mod gaps;

mod grid;

mod moves;

mod screen;

use chrono::{Days, NaiveDate};
use common::clock::now;
use common::domain::calendar::DayRange;
use common::store::{Control, DayCounts, MallFilter, MallFreshness, SeriesDays};

use super::context::Context;
use crate::cli::CoverageArgs;
use crate::fault::{Exit, Fault};
use crate::output::json::List;
use crate::output::terminal;
use crate::plan::wish::resolve;

/// Days shown where none said how many.
const SHOWN_DAYS: u32 = 60;
/// Malls read at once day by day.
const PAGE: u32 = 100;
/// Malls read at once where counts are enough.
const COUNTED: u32 = 1_000;
/// Malls shown where none said how many.
const SCREEN: u32 = 50;
/// Up to so many malls are shown day by day.
const GRIDS: usize = 5;

/// What is there of one mall in the days that are shown.
#[derive(Debug, Clone)]
struct Mall {
    freshness: MallFreshness,
    series: Vec<SeriesDays>,
}

pub(super) async fn run(context: &Context, args: &CoverageArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let filter = MallFilter { malls: args.malls.clone(), agency: args.agency.clone() };
    known(context, &control, &filter).await?;
    let clock = control.freshness_clock().await.map_err(|error| context.store(error))?;
    let range = range(context, args, &control, &filter, clock.today).await?;
    if args.restatements {
        return restatements(context, args, &control, &filter, range).await;
    }
    let at_once = gaps::at_once(args, range, clock.today);
    let mut walk = Walk { context, args, control: &control, filter, range, at_once, due_gaps: 0 };
    if args.gaps {
        walk.gaps().await?;
    } else if context.output.json || context.output.plain {
        walk.documents().await?;
    } else {
        walk.screen().await?;
    }
    Ok(if args.check && walk.due_gaps > 0 { Exit::Attention } else { Exit::Done })
}

/// How far figures moved.
async fn restatements(
    context: &Context,
    args: &CoverageArgs,
    control: &Control,
    filter: &MallFilter,
    range: DayRange,
) -> Result<Exit, Fault> {
    let failed = |error| context.store(error);
    let found = control.restatement_ages(filter, &args.endpoints, range).await.map_err(failed)?;
    let shares = control.partial_shares().await.map_err(failed)?;
    let output = context.output;
    if output.plain {
        output.raw(&moves::table(&found).plain())?;
    } else {
        let lookback = context.config.schedule.lookback;
        let text = moves::text(&found, &shares, range, lookback, now(), output.width());
        context.say(moves::document(&found, &shares, range), &text)?;
    }
    Ok(Exit::Done)
}

/// Every mall that was named must be there, and the agency.
async fn known(context: &Context, control: &Control, filter: &MallFilter) -> Result<(), Fault> {
    if let Some(agency) = &filter.agency {
        super::enqueue::known_agency(context, control, agency).await?;
    }
    if filter.malls.is_empty() {
        return Ok(());
    }
    let found = control.connectors(&filter.malls).await.map_err(|error| context.store(error))?;
    match filter.malls.iter().find(|id| !found.iter().any(|mall| mall.mall_id == **id)) {
        Some(mall) => Err(super::enqueue::unknown_mall(context, control, mall).await),
        None => Ok(()),
    }
}

/// The days that are looked at; today is one of them.
async fn range(
    context: &Context,
    args: &CoverageArgs,
    control: &Control,
    filter: &MallFilter,
    today: NaiveDate,
) -> Result<DayRange, Fault> {
    if let Some(days) = args.from.zip(args.to) {
        return resolve(None, Some(days), today);
    }
    let days = match args.last {
        None if args.gaps || args.check => {
            let since = control.wanted_since(filter).await.map_err(|error| context.store(error))?;
            return Ok(
                DayRange::new(since.unwrap_or(today), today).unwrap_or(DayRange::last_finished(today, 1))
            );
        }
        last => last.unwrap_or(SHOWN_DAYS),
    };
    last_days(days, today)
}

/// So many days to today, by the rule for days of --from: none before there was anything to fetch.
fn last_days(days: u32, today: NaiveDate) -> Result<DayRange, Fault> {
    let first = today - Days::new(u64::from(days.saturating_sub(1)));
    resolve(None, Some((first, today)), today)
}

/// A walk through the malls, a page at a time: none stays in memory that is not shown.
struct Walk<'a> {
    context: &'a Context,
    args: &'a CoverageArgs,
    control: &'a Control,
    filter: MallFilter,
    range: DayRange,
    /// The command for all gaps at once.
    at_once: Option<String>,
    /// Days that are due and not complete, but for excused ones; of the malls walked through.
    due_gaps: i64,
}

impl Walk<'_> {
    /// How fresh the malls after `after` are, at most `size` of them.
    async fn fresh(&self, after: &str, size: u32) -> Result<Vec<MallFreshness>, Fault> {
        let found = self.control.mall_freshness(&self.filter, after, i64::from(size)).await;
        found.map_err(|error| self.context.store(error))
    }

    /// The days of these malls, and counts what is due of them.
    async fn by_day(&mut self, malls: Vec<MallFreshness>) -> Result<Vec<Mall>, Fault> {
        let ids: Vec<&str> = malls.iter().map(|mall| mall.mall_id.as_str()).collect();
        let series = self.control.coverage(&ids, &self.args.endpoints, self.range).await;
        let mut series = series.map_err(|error| self.context.store(error))?.into_iter().peekable();
        let mut out = Vec::with_capacity(malls.len());
        for freshness in malls {
            let mut own = Vec::new();
            while let Some(days) = series.next_if(|days| days.mall_id == freshness.mall_id) {
                own.push(days);
            }
            own.sort_by_key(|days| (days.shop_no, grid::place(&days.endpoint)));
            self.due_gaps += own.iter().map(|days| days.due_gaps).sum::<i64>();
            out.push(Mall { freshness, series: own });
        }
        Ok(out)
    }

    /// How many of their days are what, and counts what is due of them.
    async fn counted(&mut self, malls: &[MallFreshness]) -> Result<Vec<DayCounts>, Fault> {
        let ids: Vec<&str> = malls.iter().map(|mall| mall.mall_id.as_str()).collect();
        let counted = self.control.coverage_counts(&ids, &self.args.endpoints, self.range).await;
        let counted = counted.map_err(|error| self.context.store(error))?;
        self.due_gaps += counted.iter().map(|mall| mall.due_gaps).sum::<i64>();
        Ok(counted.into_iter().map(|mall| mall.counts).collect())
    }

    fn after(&self) -> String {
        self.args.after.as_ref().map(|mall| mall.as_str().to_owned()).unwrap_or_default()
    }

    /// Walks on for the sake of `--check` alone.
    async fn rest(&mut self, mut after: String) -> Result<(), Fault> {
        while self.args.check && self.due_gaps == 0 {
            let malls = self.fresh(&after, COUNTED).await?;
            let Some(last) = malls.last() else { break };
            after.clone_from(&last.mall_id);
            self.counted(&malls).await?;
        }
        Ok(())
    }

    async fn gaps(&mut self) -> Result<(), Fault> {
        let output = self.context.output;
        let limit = self.args.limit.unwrap_or(if output.json { SCREEN } else { u32::MAX });
        let (mut after, mut shown, mut all, mut items) =
            (self.after(), 0, gaps::Found::default(), Vec::new());
        let mut next = None;
        while shown < limit {
            let mut malls = self.fresh(&after, PAGE.min(limit - shown)).await?;
            let Some(last) = malls.last() else { break };
            after.clone_from(&last.mall_id);
            shown += u32::try_from(malls.len()).unwrap_or(u32::MAX);
            // Of most malls nothing is missing, and their days need not be looked at.
            malls.retain(|mall| mall.gap_days > 0);
            let page = self.by_day(malls).await?;
            let found: Vec<_> = page.iter().flat_map(gaps::of).collect();
            if output.json {
                items.extend(found.iter().map(gaps::Gap::item));
            } else if output.plain {
                if all.is_first() || !found.is_empty() {
                    output.answer(&gaps::plain(&found, all.is_first()))?;
                }
            } else if !found.is_empty() {
                output.answer(&gaps::commands(&found))?;
            }
            all.add(&found, page.iter().map(gaps::held).sum());
            next = Some(after.clone());
        }
        let more = shown >= limit && !self.fresh(&after, 1).await?.is_empty();
        if output.json {
            output.document(&List::new(items, next.filter(|_| more), now()))?;
        } else {
            output.note(&all.words(self.at_once.as_deref(), more.then_some(after.as_str())));
        }
        self.rest(after).await
    }

    /// For programs: every day, equal neighbours together.
    async fn documents(&mut self) -> Result<(), Fault> {
        let output = self.context.output;
        let limit = self.args.limit.unwrap_or(if output.json { SCREEN } else { u32::MAX });
        let (mut after, mut shown, mut items) = (self.after(), 0, Vec::new());
        while shown < limit {
            let malls = self.fresh(&after, PAGE.min(limit - shown)).await?;
            let page = self.by_day(malls).await?;
            if output.plain && (shown == 0 || !page.is_empty()) {
                output.answer(&screen::plain(&page, shown == 0))?;
            }
            let Some(last) = page.last() else { break };
            after.clone_from(&last.freshness.mall_id);
            shown += u32::try_from(page.len()).unwrap_or(u32::MAX);
            if output.json {
                items.extend(page.iter().flat_map(screen::items));
            }
        }
        let more = shown >= limit && !self.fresh(&after, 1).await?.is_empty();
        if output.json {
            output.document(&List::new(items, more.then(|| after.clone()), now()))?;
        }
        self.rest(after).await
    }

    /// For people: a grid for each of a few malls, a line for each of many, the worst first.
    async fn screen(&mut self) -> Result<(), Fault> {
        let output = self.context.output;
        let limit = usize::try_from(self.args.limit.unwrap_or(SCREEN)).unwrap_or(usize::MAX);
        let mut after = self.after();
        let mut malls = self.fresh(&after, COUNTED).await?;
        if malls.is_empty() && !after.is_empty() {
            output.answer(&format!("no mall after {after}"))?;
            return Ok(());
        }
        if malls.is_empty() {
            output.answer("no mall is connected here yet")?;
            output.note("connect one: cafe24-sync connect MALL; many: cafe24-sync malls import FILE");
            return Ok(());
        }
        let text = if malls.len() <= GRIDS {
            let width = output.width().unwrap_or(terminal::WIDTH);
            grid::text(&self.by_day(malls).await?, self.range, now(), width)
        } else {
            let mut worst = screen::Worst::of(limit);
            while let Some(last) = malls.last() {
                after.clone_from(&last.mall_id);
                for (mall, counts) in malls.iter().zip(self.counted(&malls).await?) {
                    worst.add(mall, counts);
                }
                malls = self.fresh(&after, COUNTED).await?;
            }
            worst.text(self.range, now(), output.width())
        };
        output.answer(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_days_end_today_and_begin_no_earlier_than_those_of_from() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let today = day("2026-02-16");
        let range = |from| DayRange::new(day(from), today).expect("in order");
        assert_eq!(last_days(1, today).expect("valid"), range("2026-02-16"));
        assert_eq!(last_days(60, today).expect("valid"), range("2025-12-19"));
        let Err(Fault::Range { what, action, .. }) = last_days(9_999, today) else { panic!("taken") };
        assert_eq!(what, "1998-10-03 is before there was anything to fetch");
        assert_eq!(action, "--from 2000-01-01 --to 2026-02-16");
    }
}
