//! `db grants --analyst`: what somebody may see, and what he saw until now.
//!
//! A reader that is granted again may come to see another agency's malls, so a grant that shows more than the one that it
//! replaces says both and is asked for. One that shows less, or the same, is not.

use common::domain::ids::ReaderName;
use common::store::{GrantedReader, NewReader, ReaderError, Sight};
use serde_json::json;

use crate::cli::GrantsArgs;
use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::paint::good;
use crate::output::text::clean;

pub(super) async fn run(
    context: &Context,
    args: &GrantsArgs,
    name: &ReaderName,
    agency: &str,
) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let reader = NewReader { role: name, agency, purpose: args.purpose.as_ref() };
    let purpose = args.purpose.as_ref().map(ToString::to_string);
    let now = Sight { agency: agency.to_owned(), purpose };
    let mut agreed: Option<Sight> = None;
    loop {
        let granted = control.grant_reader(&reader, agreed.as_ref(), &Context::actor()).await;
        match granted.map_err(|error| fault(context, error))? {
            // Again, if another has changed it while somebody was asked.
            GrantedReader::Widens { before } => {
                if !args.yes
                    && let Some(exit) = ask(context, name, &before, &now)?
                {
                    return Ok(exit);
                }
                agreed = Some(before);
            }
            GrantedReader::Done { new, before } => return done(context, name, before.as_ref(), &now, new),
            GrantedReader::NotAllowed(statements) => {
                let text = statements.join("\n");
                context.say(json!({ "reader": name.as_str(), "run_first": statements }), &text)?;
                context.output.note(
                    "this role may not make roles: nothing was changed. Let who may run the statements, then repeat this command",
                );
                return Ok(Exit::Refused);
            }
        }
    }
}

fn fault(context: &Context, error: ReaderError) -> Fault {
    match error {
        ReaderError::UnknownAgency(agency) => Fault::UnknownAgency(agency),
        ReaderError::TooMighty { .. } => Fault::ReaderRole(error.to_string()),
        ReaderError::Store(error) => context.store(error),
    }
}

fn ask(context: &Context, name: &ReaderName, before: &Sight, now: &Sight) -> Result<Option<Exit>, Fault> {
    let plan = format!("{name} reads {}; it would read {} instead", malls(before), malls(now));
    let ask = Ask {
        plan: &plan,
        why: format!("it shows a reader what it does not see now: {plan}"),
        with: &["--yes"],
        question: Question::Words("Let it see that?"),
        declined: "nothing was changed",
    };
    ask.of(context.output)
}

fn done(
    context: &Context,
    name: &ReaderName,
    before: Option<&Sight>,
    now: &Sight,
    new: bool,
) -> Result<Exit, Fault> {
    let until_now = match before {
        None => String::new(),
        Some(before) if before == now => ", as before".to_owned(),
        Some(before) => format!("; until now it read {}", malls(before)),
    };
    let text = format!("{} {name} reads {}{until_now}", good("✓"), malls(now));
    let content = json!({
        "reader": name.as_str(), "agency": now.agency, "purpose": now.purpose, "before": before, "new_role": new,
    });
    context.say(content, &text)?;
    if new {
        context
            .output
            .note(&format!("it has no password yet: in psql, as who may make roles:  \\password {name}"));
    }
    Ok(Exit::Done)
}

/// `the malls of hanok that are approved for ads`
fn malls(sight: &Sight) -> String {
    let only = sight.purpose.as_ref().map(|purpose| format!(" that are approved for {}", clean(purpose)));
    format!("the malls of {}{}", clean(&sight.agency), only.unwrap_or_default())
}
