//! One pass: due rows become groups of malls that want the same, and those become jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use common::config::ScheduleConfig;
use common::domain::calendar::Granularity;
use common::domain::ids::MallId;
use common::domain::schedule::Schedule;
use common::store::{Connector, Control, StoreError, TickMove, TickPlan, TickRun, Urgency};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::gaps;
use super::judge::{Asking, Judged, judge};
use super::lookback::Ask;
use crate::plan::groups::{Group, Groups, Pace};
use crate::plan::selection::Selection;

/// Rows of an urgency looked at in one pass.
const ROWS: usize = 500;
/// After so long nothing more is begun that is not fresh: what is due by then is looked at first.
const PASS: Duration = Duration::from_secs(1);
/// How often due times that cannot be right are looked for.
const ALIGN: Duration = Duration::from_mins(1);

/// Namespace of the ids of scheduled runs.
const RUNS: Uuid = Uuid::from_u128(0x6b1c_1e0a_7a54_5d0c_9a5e_ca24_5a5c_0002);

/// What a pass did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Rows moved on.
    pub(crate) ticks: usize,
    /// Jobs planned.
    pub(crate) jobs: i64,
    /// More rows may be due.
    pub(crate) more: bool,
}

/// Plans what is due.
#[derive(Debug)]
pub(crate) struct Scheduler {
    config: ScheduleConfig,
    control: Control,
    aligned: Option<Instant>,
    pace: Pace,
}

/// Malls that want the same of the same beat.
struct Batch {
    schedule: Schedule,
    named: String,
    ask: Ask,
    open_from: NaiveDate,
    ticks: Vec<TickMove>,
}

impl Scheduler {
    pub(crate) fn new(config: &ScheduleConfig, control: &Control) -> Self {
        Self { config: *config, control: control.clone(), aligned: None, pace: Pace::default() }
    }

    /// Whether anything is scheduled at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.config.enabled
    }

    /// Plans rows that are due at `now`, some hundreds at most, and what is fresh before all else.
    ///
    /// While anything fresh is left, nothing else is begun; then sweeps and gaps and histories get a part each, so that
    /// neither waits for all of the other.
    pub(crate) async fn pass(&mut self, now: DateTime<Utc>) -> Result<Passed, StoreError> {
        self.align(now).await?;
        let mut passed = Passed::default();
        let end = Instant::now() + PASS;
        for urgency in Urgency::ALL {
            let end = (urgency != Urgency::Fresh).then_some(end);
            let all = self.plan_due(now, urgency, end, &mut passed).await?;
            passed.more |= !all;
            if urgency == Urgency::Fresh && !all {
                break;
            }
        }
        Ok(passed)
    }

    /// Plans what is due of an urgency; `false`: something may be left. At least one group goes, whatever the `end`.
    async fn plan_due(
        &mut self,
        now: DateTime<Utc>,
        urgency: Urgency,
        end: Option<Instant>,
        passed: &mut Passed,
    ) -> Result<bool, StoreError> {
        let before = passed.ticks;
        let due = self.control.due_ticks(now, urgency, i64::try_from(ROWS).unwrap_or(i64::MAX)).await?;
        let (mut moves, mut batches, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        for row in &due {
            match judge(&self.config, row, now) {
                Judged::Moved(tick) => moves.push(tick),
                Judged::Asks(asking) => add(&mut batches, asking),
                Judged::Gaps(asking, through) => gaps.push((asking, through)),
            }
        }
        self.move_on(&moves, passed).await?;
        let mut gaps = gaps.into_iter().peekable();
        loop {
            for batch in std::mem::take(&mut batches) {
                if !self.plan(batch, end, passed).await? {
                    return Ok(false);
                }
            }
            if gaps.peek().is_none() {
                return Ok(due.len() < ROWS);
            }
            if passed.ticks > before && is_over(end) {
                return Ok(false);
            }
            batches = self.look_for_gaps(&mut gaps, passed).await?;
        }
    }

    async fn move_on(&self, moves: &[TickMove], passed: &mut Passed) -> Result<(), StoreError> {
        if !moves.is_empty() {
            self.control.move_ticks(moves).await?;
            passed.ticks += moves.len();
        }
        Ok(())
    }

    /// Has due times worked out anew that the settings, or the clock, have made wrong.
    async fn align(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.aligned.is_some_and(|aligned| aligned.elapsed() < ALIGN) {
            return Ok(());
        }
        // A beat a day, an offset after it.
        let (day, month) = (now + TimeDelta::hours(26), now + TimeDelta::days(32));
        let moved = self.control.align_ticks(&format!("{:?}", self.config), day, month).await?;
        if moved > 0 {
            tracing::info!(event = "schedule.aligned", ticks = moved, "due times are worked out anew");
        }
        self.aligned = Some(Instant::now());
        Ok(())
    }

    /// What some of the malls miss that are `asking`; those that miss nothing are moved on.
    async fn look_for_gaps(
        &self,
        asking: &mut impl Iterator<Item = (Asking, NaiveDate)>,
        passed: &mut Passed,
    ) -> Result<Vec<Batch>, StoreError> {
        let some: Vec<_> = asking.by_ref().take(gaps::MALLS).collect();
        let malls: Vec<_> = some.iter().map(|(asking, through)| (&asking.tick.mall_id, *through)).collect();
        let found = gaps::look(&self.control, &malls).await?;
        let (mut moves, mut batches) = (Vec::new(), Vec::new());
        for (asking, _) in some {
            let gap = found.get(&asking.tick.mall_id);
            match gap.and_then(|gap| asking.moment.gap(gap.first, gap.last)) {
                Some(ask) => add(&mut batches, Asking { ask: Some(ask), ..asking }),
                None => moves.push(asking.tick),
            }
        }
        self.move_on(&moves, passed).await?;
        Ok(batches)
    }

    /// Plans a batch; `false`: not all of it, since its time was over.
    async fn plan(
        &mut self,
        batch: Batch,
        end: Option<Instant>,
        passed: &mut Passed,
    ) -> Result<bool, StoreError> {
        let run = batch.run();
        let mut ticks: BTreeMap<MallId, TickMove> =
            batch.ticks.into_iter().map(|tick| (tick.mall_id.clone(), tick)).collect();
        let malls: Vec<MallId> = ticks.keys().cloned().collect();
        let selection = selection(self.control.connectors(&malls).await?, batch.ask, batch.open_from);
        let (mut asked, mut planned) = (0, 0);
        let mut groups = Groups::of(&selection);
        let mut all = true;
        while let Some(group) = groups.next(&self.pace) {
            let moves: Vec<_> = group.malls().into_iter().filter_map(|mall| ticks.remove(mall)).collect();
            asked += moves.len();
            planned += self.plan_group(&run, batch.ask, group, &moves).await?;
            if is_over(end) {
                all = false;
                break;
            }
        }
        passed.ticks += asked;
        passed.jobs += planned;
        if all {
            // What is left can be asked nothing: its dialect has none of its endpoints, or it was removed just now.
            let rest: Vec<_> = ticks.into_values().collect();
            self.move_on(&rest, passed).await?;
        }
        if planned > 0 {
            tracing::info!(
                event = common::telemetry::events::SCHEDULE_ENQUEUED,
                schedule = run.schedule.as_str(),
                run_id = %run.run_id,
                lane = %batch.ask.lane,
                from = %batch.ask.range.start(),
                to = %batch.ask.range.end(),
                malls = asked,
                jobs = planned,
                "a schedule made jobs"
            );
        }
        Ok(all)
    }

    /// Plans a group for `moves`, in halves if the database does not manage it at once. Returns how many jobs came of it.
    async fn plan_group(
        &mut self,
        run: &TickRun,
        ask: Ask,
        group: Group,
        moves: &[TickMove],
    ) -> Result<i64, StoreError> {
        let mut jobs = 0;
        let mut parts = vec![(group, true)];
        while let Some((part, is_all)) = parts.pop() {
            let malls = part.malls();
            let moves: Vec<_> = moves.iter().filter(|tick| malls.contains(&tick.mall_id)).cloned().collect();
            let plan =
                TickPlan { wish: ask.wish, lane: ask.lane, shops: &part.shops, chunks: &part.chunks, is_all };
            match self.control.plan_ticks(run, plan, &moves).await {
                Ok(planned) => {
                    self.pace.took(part.slices(), planned.worked);
                    jobs += planned.jobs;
                }
                Err(error) => {
                    let halves = if error.is_too_long() { part.halves() } else { None };
                    let Some((first, rest)) = halves else { return Err(error) };
                    self.pace.gave_up(part.slices());
                    tracing::info!(
                        event = "schedule.halved",
                        malls = malls.len(),
                        slices = part.slices(),
                        error = &error as &dyn std::error::Error,
                        "the database did not plan a group in time; it is planned in halves"
                    );
                    // Halves of one mall: it moves with the second one.
                    parts.extend([(rest, is_all), (first, is_all && malls.len() > 1)]);
                }
            }
        }
        Ok(jobs)
    }
}

fn is_over(end: Option<Instant>) -> bool {
    end.is_some_and(|end| Instant::now() >= end)
}

/// What `ask` is of these malls, of each its own endpoints.
pub(super) fn selection(malls: Vec<Connector>, ask: Ask, open_from: NaiveDate) -> Selection {
    Selection {
        malls,
        endpoints: None,
        granularity: Granularity::Day,
        range: ask.range,
        chunk_days: None,
        lane: ask.lane,
        wish: ask.wish,
        open_from,
    }
}

fn add(batches: &mut Vec<Batch>, asking: Asking) {
    let Asking { tick, named, ask: Some(ask), moment } = asking else { return };
    let alike =
        |batch: &&mut Batch| batch.schedule == tick.schedule && batch.named == named && batch.ask == ask;
    match batches.iter_mut().find(alike) {
        Some(batch) => batch.ticks.push(tick),
        None => batches.push(Batch {
            schedule: tick.schedule,
            named,
            ask,
            open_from: moment.settle.open_from(moment.now),
            ticks: vec![tick],
        }),
    }
}

impl Batch {
    /// The run has the same id whoever makes it, and when.
    fn run(&self) -> TickRun {
        let name = format!("{}/{}", self.schedule, self.named);
        let wish = json!({ "schedule": self.schedule, "of": self.named, "lane": self.ask.lane });
        TickRun { run_id: Uuid::new_v5(&RUNS, name.as_bytes()), schedule: self.schedule, wish }
    }
}
