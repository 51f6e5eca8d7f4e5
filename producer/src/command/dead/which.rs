//! Which letters a command line means.

use common::domain::ids::MallId;
use common::store::{Control, DeadLetter, LetterFilter, LetterState};

use crate::cli::FilterArgs;
use crate::command::context::Context;
use crate::command::enqueue::{known_agency, unknown_mall};
use crate::command::runs;
use crate::fault::Fault;

/// A name with more digits than this is a letter's.
const GROUP_DIGITS: usize = 7;

/// What a name on the command line stands for.
pub(super) enum Named {
    Letter(Box<DeadLetter>),
    Group(String),
}

/// `ids` (letters or groups, those of either) narrowed by the flags.
pub(super) async fn filter(
    context: &Context,
    control: &Control,
    ids: &[String],
    args: &FilterArgs,
) -> Result<LetterFilter, Fault> {
    if let Some(agency) = &args.agency {
        known_agency(context, control, agency).await?;
    }
    known_malls(context, control, &args.malls).await?;
    let run = match &args.run {
        Some(run) => Some(runs::named(context, control, run).await?),
        None => None,
    };
    let mut filter = LetterFilter {
        malls: args.malls.clone(),
        agency: args.agency.clone(),
        endpoint: args.endpoint,
        class: args.class,
        run,
        since: args.since,
        until: args.until,
        text: args.text.clone(),
        ..LetterFilter::default()
    };
    for id in ids.iter().chain(&args.cause) {
        match named(context, control, id).await? {
            Named::Letter(letter) => filter.letters.push(letter.letter_id),
            Named::Group(group) => filter.causes.push(group),
        }
    }
    Ok(filter)
}

/// A mall that is not there is a slip of the finger, unless it was removed and its letters are still kept.
async fn known_malls(context: &Context, control: &Control, malls: &[MallId]) -> Result<(), Fault> {
    if malls.is_empty() {
        return Ok(());
    }
    let store = |error| context.store(error);
    let known = control.connectors(malls).await.map_err(store)?;
    for mall in malls.iter().filter(|mall| !known.iter().any(|known| known.mall_id == **mall)) {
        let of_it =
            LetterFilter { malls: vec![mall.clone()], states: LetterState::ALL.into(), ..Default::default() };
        if control.letters(&of_it, None, 1).await.map_err(store)?.is_empty() {
            return Err(unknown_mall(context, control, mall).await);
        }
    }
    Ok(())
}

/// The letter or group that `id` begins.
pub(super) async fn named(context: &Context, control: &Control, id: &str) -> Result<Named, Fault> {
    let prefix = id.trim().to_ascii_lowercase();
    if prefix.len() <= GROUP_DIGITS && prefix.chars().all(|c| c.is_ascii_hexdigit()) && !prefix.is_empty() {
        let mut found = control.groups_by_prefix(&prefix).await.map_err(|error| context.store(error))?;
        match (found.pop(), found.is_empty()) {
            (Some(group), true) => return Ok(Named::Group(group)),
            (Some(_), false) => return Err(Fault::AmbiguousLetter(shown(id))),
            (None, _) => {}
        }
    }
    letter(context, control, id).await.map(|letter| Named::Letter(Box::new(letter)))
}

/// The letter whose id begins with `id`.
pub(super) async fn letter(context: &Context, control: &Control, id: &str) -> Result<DeadLetter, Fault> {
    let prefix = id.trim().to_ascii_lowercase();
    if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Fault::UnknownLetter(shown(id)));
    }
    let mut found = control.letters_by_prefix(&prefix).await.map_err(|error| context.store(error))?;
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(Fault::UnknownLetter(shown(id))),
        (Some(letter), true) => Ok(letter),
        (Some(_), false) => Err(Fault::AmbiguousLetter(shown(id))),
    }
}

fn shown(id: &str) -> String {
    id.chars().take(40).collect()
}

/// The filter in words, for the audit log.
pub(super) fn words(filter: &LetterFilter) -> String {
    let text = serde_json::to_string(filter).unwrap_or_default();
    crate::output::text::short(&text, 1_000)
}
