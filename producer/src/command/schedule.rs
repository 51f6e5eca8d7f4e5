//! `schedule`: what is fetched by itself; list, show, run, pause, set.

mod run;

mod screen;

pub(super) use self::screen::whose;

use common::clock::now;
use common::domain::schedule::Schedule;
use common::store::{Connector, Control, OverrideChange, OwnSettings, Scope};
use serde_json::json;

use super::context::Context;
use super::enqueue::{known_agency, unknown_mall};
use crate::cli::{
    OwnerArgs, ScheduleCommand, SchedulePauseArgs, ScheduleSetArgs, ScheduleUnsetArgs, ScopeArgs,
};
use crate::fault::{Exit, Fault};
use crate::output::json::Document;

pub(super) async fn run(context: &Context, command: ScheduleCommand) -> Result<Exit, Fault> {
    match command {
        ScheduleCommand::List => list(context).await,
        ScheduleCommand::Show { mall } => show(context, &mall).await,
        ScheduleCommand::Run(args) => Box::pin(run::run(context, &args)).await,
        ScheduleCommand::Pause(args) => pause(context, args, true).await,
        ScheduleCommand::Resume(args) => pause(context, args, false).await,
        ScheduleCommand::Set(args) => set(context, args).await,
        ScheduleCommand::Unset(args) => unset(context, args).await,
    }
}

async fn list(context: &Context) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let now = now();
    let states = control.schedule_states(&Scope::All, now).await.map_err(|error| context.store(error))?;
    let overrides = control.schedule_overrides().await.map_err(|error| context.store(error))?;
    let list = screen::List { config: &context.config.schedule, states: &states, overrides: &overrides };
    if context.output.json {
        context.output.document(&Document::new(list.json(), now))?;
    } else {
        context.output.list(&list.table(now), &list.below())?;
    }
    Ok(Exit::Done)
}

async fn show(context: &Context, mall: &common::domain::ids::MallId) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = Scope::Mall(mall.clone());
    let connector = malls(context, &control, &scope).await?.remove(0);
    let now = now();
    let states = control.schedule_states(&scope, now).await.map_err(|error| context.store(error))?;
    let overrides = control.schedule_overrides().await.map_err(|error| context.store(error))?;
    let show = screen::Show::new(&context.config.schedule, &connector, &states, &overrides);
    if context.output.is_for_programs() {
        context.output.document(&Document::new(show.json(), now))?;
    } else {
        context.output.answer(&show.text(now, context.output.width()))?;
    }
    Ok(Exit::Done)
}

async fn pause(context: &Context, args: SchedulePauseArgs, pause: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(args.scope);
    known(context, &control, &scope).await?;
    let schedule = args.schedule;
    let changed = control
        .pause_schedule(&scope, schedule, pause, &Context::actor())
        .await
        .map_err(|error| context.store(error))?;
    let whose = screen::whose(&scope);
    let text = match (changed, pause) {
        (true, true) => {
            format!("{schedule} of {whose}: paused; what it misses is made up once, when it is resumed")
        }
        (true, false) => format!("{schedule} of {whose}: resumed; what was missed is made up once"),
        (false, true) => format!("{schedule} of {whose}: was paused already"),
        (false, false) => format!("{schedule} of {whose}: was not paused there"),
    };
    context
        .say(json!({ "schedule": schedule, "scope": whose, "paused": pause, "changed": changed }), &text)?;
    Ok(Exit::Done)
}

async fn set(context: &Context, args: ScheduleSetArgs) -> Result<Exit, Fault> {
    let change = OverrideChange {
        daily_at: args.daily_at.map(Some),
        lookback: args.lookback.map(Some),
        today_minutes: args.today_every.map(Some),
        sweep: args.sweep.map(Some),
    };
    if (change.daily_at, change.lookback, change.today_minutes, change.sweep) == (None, None, None, None) {
        return Err(Fault::Range {
            what: "no setting is named".to_owned(),
            why: "an agency or a mall gets the settings that stand behind it".to_owned(),
            action: "cafe24-sync schedule set --help".to_owned(),
        });
    }
    change_of(context, args.owner, change).await
}

async fn unset(context: &Context, args: ScheduleUnsetArgs) -> Result<Exit, Fault> {
    let all = !(args.daily_at || args.lookback || args.today_every || args.sweep);
    let change = OverrideChange {
        daily_at: (all || args.daily_at).then_some(None),
        lookback: (all || args.lookback).then_some(None),
        today_minutes: (all || args.today_every).then_some(None),
        sweep: (all || args.sweep).then_some(None),
    };
    change_of(context, args.owner, change).await
}

async fn change_of(context: &Context, owner: OwnerArgs, change: OverrideChange) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(owner.into());
    known(context, &control, &scope).await?;
    let changed = control
        .change_schedule(&scope, change, &Context::actor())
        .await
        .map_err(|error| context.store(error))?;
    let overrides = control.schedule_overrides().await.map_err(|error| context.store(error))?;
    let own =
        overrides.iter().find(|own| own.scope == scope).map_or_else(OwnSettings::default, |own| own.settings);
    let whose = screen::whose(&scope);
    let has = screen::own_words(&own);
    let has = if has.is_empty() { "no settings of its own".to_owned() } else { has };
    let text = if changed { format!("{whose}: {has}") } else { format!("{whose}: nothing changed; {has}") };
    context.say(json!({ "scope": whose, "changed": changed, "settings": screen::own_json(&own) }), &text)?;
    let late = own.daily_at.and_then(|at| context.config.schedule.misses_deadline(at, "its daily_at"));
    if let Some(why) = late {
        let line =
            format!("! {whose}: {why} → choose an earlier time, or set schedule.deadline well after that");
        context.output.note(&line);
    }
    Ok(Exit::Done)
}

pub(super) fn scope_of(args: ScopeArgs) -> Scope {
    match (args.mall, args.agency) {
        (Some(mall), _) => Scope::Mall(mall),
        (None, Some(agency)) => Scope::Agency(agency),
        (None, None) => Scope::All,
    }
}

/// A scope that is not there is a slip of the finger.
pub(super) async fn known(context: &Context, control: &Control, scope: &Scope) -> Result<(), Fault> {
    match scope {
        Scope::All => Ok(()),
        Scope::Agency(agency) => known_agency(context, control, agency).await,
        Scope::Mall(_) => malls(context, control, scope).await.map(drop),
    }
}

/// The malls of a scope, one at least.
async fn malls(context: &Context, control: &Control, scope: &Scope) -> Result<Vec<Connector>, Fault> {
    let one = scope.mall().map(std::slice::from_ref).unwrap_or_default();
    let mut found = control.connectors(one).await.map_err(|error| context.store(error))?;
    match scope {
        Scope::Mall(mall) if found.is_empty() => return Err(unknown_mall(context, control, mall).await),
        Scope::Agency(agency) => {
            found.retain(|mall| mall.agency_id == *agency);
            if found.is_empty() {
                return Err(Fault::UnknownAgency(agency.clone()));
            }
        }
        Scope::All | Scope::Mall(_) => {}
    }
    if found.is_empty() { Err(Fault::NoMalls) } else { Ok(found) }
}

/// In words, what a schedule is for.
fn about(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Window => "the last finished days, again",
        Schedule::Today => "today, as partial",
        Schedule::Sweep => "the last month, again, as backfill",
        Schedule::Onboarding => "all of a new mall, its last week first",
        Schedule::Gaps => "what is missing for no reason",
    }
}
