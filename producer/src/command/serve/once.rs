//! `serve --once`: duties by hand.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::command::context::Context;
use crate::duty::{Duty, DutyError, Ended, once};
use crate::fault::{Exit, Fault, in_one_line};
use crate::output::paint::{bad, good, warn};
use crate::output::text::number;
use crate::tokens::{Tokens, TokensError};

/// What is left of a duty that failed.
const LEFT: &str = "nothing is lost: the next pass goes on where this one stopped";

pub(super) async fn run(context: &Context, asked: &[Duty]) -> Result<Exit, Fault> {
    let duties = if asked.is_empty() { Duty::ALL.as_slice() } else { asked };
    let control = context.database().await?;
    let tokens = Tokens::new(&context.config, &control).map_err(|error| match error {
        TokensError::Store(error) => context.store(error),
        TokensError::Key(_) | TokensError::Client(_) => Fault::OAuthSettings(error.to_string()),
    })?;
    let tokens = Arc::new(tokens);
    let ended = once(&context.config, &control, &tokens, duties).await;
    tokens.close().await;
    let mut ended = ended.map_err(|error| fault(context, error))?;
    if let [(_, Ended::Failed(_))] = ended.as_slice()
        && let Some((_, Ended::Failed(error))) = ended.pop()
    {
        return Err(fault(context, error));
    }
    context.say(json!({ "duties": ended.iter().map(item).collect::<Vec<_>>() }), &text(&ended))?;
    let failed = ended.iter().any(|(_, end)| matches!(end, Ended::Failed(_)));
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

fn fault(context: &Context, error: DutyError) -> Fault {
    match error {
        DutyError::Store(error) => context.store_after(error, LEFT),
        DutyError::Feed(error) => context.feed(error, LEFT),
        DutyError::Drain(error) => context.drain(error),
    }
}

fn item((duty, end): &(Duty, Ended)) -> Value {
    match end {
        Ended::Done(done) => {
            let counts: Map<_, _> =
                done.0.iter().map(|(what, n)| (what.replace(' ', "_"), json!(n))).collect();
            json!({ "duty": duty, "end": "done", "counts": counts })
        }
        Ended::Elsewhere => json!({ "duty": duty, "end": "elsewhere" }),
        Ended::Failed(error) => json!({ "duty": duty, "end": "failed", "why": in_one_line(error) }),
    }
}

fn text(ended: &[(Duty, Ended)]) -> String {
    let mut out = String::new();
    for (duty, end) in ended {
        let (sign, what) = match end {
            Ended::Done(done) => {
                let counts = done.0.iter().map(|(what, n)| format!("{what} {}", number(*n)));
                (good("✓"), counts.collect::<Vec<_>>().join(" · "))
            }
            Ended::Elsewhere => (good("✓"), "left to the daemon that leads".to_owned()),
            Ended::Failed(error) => (bad("✗"), format!("{}; {LEFT}", in_one_line(error))),
        };
        let _ = writeln!(out, "{sign} {:<13}{what}", duty.name());
    }
    if ended.iter().any(|(_, end)| matches!(end, Ended::Failed(_))) {
        let _ = writeln!(out, "{} cafe24-sync doctor says what is the matter", warn("!"));
    }
    out
}

#[cfg(test)]
mod tests {
    use common::store::StoreError;

    use super::*;
    use crate::duty::Done;
    use crate::output::golden::golden;

    #[test]
    fn each_duty_has_a_line_of_its_own() {
        let away =
            StoreError::Unavailable { what: "it did not answer in time".to_owned(), source: "gone".into() };
        let ended = [
            (Duty::Feeder, Ended::Elsewhere),
            (Duty::Reconciler, Ended::Done(Done(vec![("planned again", 1_204), ("released", 0)]))),
            (Duty::Alerts, Ended::Failed(DutyError::Store(away))),
        ];
        golden("serve_once", |_| text(&ended));
        let items: Vec<_> = ended.iter().map(item).collect();
        assert_eq!(items[1]["counts"]["planned_again"], 1_204);
        assert_eq!(items[2]["end"], "failed");
    }
}
