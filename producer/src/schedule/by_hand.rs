//! `schedule run`: what a schedule wants of some malls now, whether it is due or not.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use common::config::ScheduleConfig;
use common::domain::schedule::Schedule;
use common::store::{Connector, Control, OwnSettings, Scope, StoreError};

use super::lookback::{Ask, Moment};
use super::pass::selection;
use super::settings::Settings;
use crate::plan::selection::Selection;

/// What `schedule` wants of `malls` at `now`: one selection for those that want the same. Nobody's due time is touched.
pub(crate) async fn asks(
    control: &Control,
    config: &ScheduleConfig,
    schedule: Schedule,
    malls: Vec<Connector>,
    now: DateTime<Utc>,
) -> Result<Vec<Selection>, StoreError> {
    let overrides = control.schedule_overrides().await?;
    let own = |scope: &Scope| overrides.iter().find(|own| own.scope == *scope).map(|own| own.settings);
    let open_from = config.settle.open_from(now);
    let mut gaps = BTreeMap::new();
    if schedule == Schedule::Gaps {
        let through = open_from - chrono::Days::new(1);
        let asked: Vec<_> = malls.iter().map(|mall| (&mall.mall_id, through)).collect();
        gaps = super::gaps::look(control, &asked).await?;
    }
    let mut wanted: Vec<(Ask, Vec<Connector>)> = Vec::new();
    for mall in malls {
        let of_mall = own(&Scope::Mall(mall.mall_id.clone())).unwrap_or_default();
        let of_agency = own(&Scope::Agency(mall.agency_id.clone())).unwrap_or_default();
        let settings = Settings::of(config, &over(of_mall, of_agency));
        let moment = Moment { now, settle: config.settle, wanted_from: mall.wanted_from };
        let asked = match schedule {
            Schedule::Window => vec![moment.window(settings.lookback, 0, now)],
            Schedule::Today => vec![moment.today()],
            Schedule::Sweep => vec![moment.sweep(settings.sweep.or(config.sweep).unwrap_or(31), now)],
            Schedule::Onboarding => vec![moment.first_week(), moment.history()],
            Schedule::Gaps => vec![gaps.get(&mall.mall_id).and_then(|gap| moment.gap(gap.first, gap.last))],
        };
        for ask in asked.into_iter().flatten() {
            match wanted.iter_mut().find(|(known, _)| *known == ask) {
                Some((_, malls)) => malls.push(mall.clone()),
                None => wanted.push((ask, vec![mall.clone()])),
            }
        }
    }
    Ok(wanted.into_iter().map(|(ask, malls)| selection(malls, ask, open_from)).collect())
}

/// A mall's own settings over its agency's.
pub(crate) fn over(mall: OwnSettings, agency: OwnSettings) -> OwnSettings {
    OwnSettings {
        daily_at: mall.daily_at.or(agency.daily_at),
        lookback: mall.lookback.or(agency.lookback),
        today_minutes: mall.today_minutes.or(agency.today_minutes),
        sweep: mall.sweep.or(agency.sweep),
    }
}
