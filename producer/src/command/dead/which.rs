//! Which letters a command line means.

use common::store::{Control, DeadLetter, LetterFilter};

use crate::cli::FilterArgs;
use crate::command::context::Context;
use crate::command::enqueue::known_agency;
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
