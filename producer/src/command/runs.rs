//! Runs, as a command line names them: by id, or by its first digits.

use common::store::Control;
use uuid::Uuid;

use super::context::Context;
use crate::fault::Fault;

/// The run whose id is or begins with `id`. A whole id is taken as it is: its run may be forgotten while its letters are not.
pub(super) async fn named(context: &Context, control: &Control, id: &str) -> Result<Uuid, Fault> {
    if let Ok(whole) = id.trim().parse() {
        return Ok(whole);
    }
    let found = control.runs_by_prefix(id.trim()).await.map_err(|error| context.store(error))?;
    let shown = || id.chars().take(40).collect();
    match found.as_slice() {
        [] => Err(Fault::UnknownRun(shown())),
        [run] => Ok(*run),
        _ => Err(Fault::AmbiguousRun(shown())),
    }
}
