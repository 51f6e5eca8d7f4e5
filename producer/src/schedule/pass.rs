//! One pass: due rows become groups of malls that want the same, and those become jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use common::config::ScheduleConfig;
use common::domain::calendar::Granularity;
use common::domain::ids::MallId;
use common::domain::schedule::Schedule;
use common::store::{Connector, Control, MallGaps, StoreError, TickMove, TickPlan, TickRun};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::judge::{Asking, Judged, judge};
use super::lookback::Ask;
use crate::plan::selection::{GROUP, Selection};

/// Rows looked at in one pass.
const ROWS: usize = 500;
/// Malls whose history is planned in one transaction. A year of a mall is up to 750 jobs, and nobody else plans meanwhile.
const HISTORIES: usize = 10;
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
        Self { config: *config, control: control.clone(), aligned: None }
    }

    /// Whether anything is scheduled at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.config.enabled
    }

    /// Plans the rows that are due at `now`, some hundreds at most.
    pub(crate) async fn pass(&mut self, now: DateTime<Utc>) -> Result<Passed, StoreError> {
        self.align(now).await?;
        let due = self.control.due_ticks(now, i64::try_from(ROWS).unwrap_or(i64::MAX)).await?;
        let mut passed = Passed { more: due.len() == ROWS, ..Passed::default() };
        let mut moves = Vec::new();
        let mut batches = Vec::new();
        let mut gaps = Vec::new();
        for row in &due {
            match judge(&self.config, row, now) {
                Judged::Moved(tick) => moves.push(tick),
                Judged::Asks(asking) => add(&mut batches, asking),
                Judged::Gaps(asking, through) => gaps.push((asking, through)),
            }
        }
        self.look_for_gaps(gaps, &mut moves, &mut batches).await?;
        if !moves.is_empty() {
            self.control.move_ticks(&moves).await?;
            passed.ticks += moves.len();
        }
        // A history is long, and what is due meanwhile does not wait for all of them.
        let (history, now_wanted): (Vec<_>, Vec<_>) = batches.into_iter().partition(Batch::is_history);
        let mut histories = history.into_iter();
        for batch in now_wanted.into_iter().chain(histories.next()) {
            self.plan(batch, &mut passed).await?;
        }
        passed.more |= histories.next().is_some();
        Ok(passed)
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

    async fn look_for_gaps(
        &self,
        asking: Vec<(Asking, NaiveDate)>,
        moves: &mut Vec<TickMove>,
        batches: &mut Vec<Batch>,
    ) -> Result<(), StoreError> {
        for some in asking.chunks(GROUP) {
            let malls: Vec<_> =
                some.iter().map(|(asking, through)| (&asking.tick.mall_id, *through)).collect();
            let gaps: BTreeMap<MallId, MallGaps> = self
                .control
                .mall_gaps(&malls)
                .await?
                .into_iter()
                .map(|gap| (gap.mall_id.clone(), gap))
                .collect();
            for (asking, _) in some {
                let gap = gaps.get(&asking.tick.mall_id);
                match gap.and_then(|gap| asking.moment.gap(gap.first, gap.last)) {
                    Some(ask) => add(batches, Asking { ask: Some(ask), ..asking.clone() }),
                    None => moves.push(asking.tick.clone()),
                }
            }
        }
        Ok(())
    }

    async fn plan(&self, batch: Batch, passed: &mut Passed) -> Result<(), StoreError> {
        let size = if batch.is_history() { HISTORIES } else { GROUP };
        let run = batch.run();
        let mut ticks: BTreeMap<MallId, TickMove> =
            batch.ticks.into_iter().map(|tick| (tick.mall_id.clone(), tick)).collect();
        if ticks.len() > size && size == HISTORIES {
            passed.more = true;
            let rest = ticks.keys().nth(size).cloned();
            rest.map(|rest| ticks.split_off(&rest));
        }
        let malls: Vec<MallId> = ticks.keys().cloned().collect();
        let (asked, mut planned) = (ticks.len(), 0);
        for group in
            selection(self.control.connectors(&malls).await?, batch.ask, batch.open_from).groups_of(size)
        {
            let members: BTreeSet<&MallId> = group.shops.iter().map(|shop| &shop.mall_id).collect();
            let moves: Vec<_> = members.into_iter().filter_map(|mall| ticks.remove(mall)).collect();
            let plan = TickPlan {
                wish: batch.ask.wish,
                lane: batch.ask.lane,
                shops: &group.shops,
                chunks: &group.chunks,
            };
            planned += self.control.plan_ticks(&run, plan, &moves).await?.jobs;
        }
        // What is left can be asked nothing: its dialect has none of its endpoints, or it was removed just now.
        let rest: Vec<_> = ticks.into_values().collect();
        if !rest.is_empty() {
            self.control.move_ticks(&rest).await?;
        }
        passed.ticks += asked;
        passed.jobs += planned;
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
        Ok(())
    }
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
    fn is_history(&self) -> bool {
        self.schedule == Schedule::Onboarding && self.ask.lane == common::domain::job::Lane::Backfill
    }

    /// The run has the same id whoever makes it, and when.
    fn run(&self) -> TickRun {
        let name = format!("{}/{}", self.schedule, self.named);
        let wish = json!({ "schedule": self.schedule, "of": self.named, "lane": self.ask.lane });
        TickRun { run_id: Uuid::new_v5(&RUNS, name.as_bytes()), schedule: self.schedule, wish }
    }
}
