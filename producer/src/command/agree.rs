//! Before much is changed: the plan, then a question.
//!
//! On a terminal the plan is shown and a yes is asked for. Elsewhere the plan is the answer, and the program ends with 7 and
//! the command that does it: it never hangs, and never does it.

use super::again;
use crate::fault::{Exit, Fault};
use crate::output::Output;

/// What a person is asked.
pub(super) struct Ask<'a> {
    /// What would be done, as the answer where nobody can be asked.
    pub(super) plan: &'a str,
    /// Why it needs a yes.
    pub(super) why: String,
    /// What has to stand at the end of this command line to do it unasked.
    pub(super) with: &'a [&'a str],
    /// The question.
    pub(super) question: Question<'a>,
    /// What is said after a no.
    pub(super) declined: &'a str,
}

/// How a yes is given.
pub(super) enum Question<'a> {
    /// By `y` or `yes` to these words.
    Words(&'a str),
    /// By typing this itself, for what cannot be taken back.
    Typed(String),
}

impl Ask<'_> {
    /// Asks. `None`: it was agreed to; `Some`: how the program ends instead.
    pub(super) fn of(self, output: Output) -> Result<Option<Exit>, Fault> {
        if !output.can_ask() {
            if !output.is_for_programs() {
                output.answer(self.plan)?;
            }
            return Err(Fault::NeedsYes { why: self.why, action: again(self.with) });
        }
        output.complain(self.plan);
        let agreed = match &self.question {
            Question::Words(words) => output.confirm(words),
            Question::Typed(word) => output.confirm_by_typing(word),
        };
        if agreed {
            return Ok(None);
        }
        output.note(self.declined);
        Ok(Some(Exit::Refused))
    }
}
