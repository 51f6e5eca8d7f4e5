//! A run that is dropped is no wish that is taken back: what comes again by itself, and how its end is told.

use std::fmt::Write;

use common::store::ComesBack;

use crate::output::paint::{command, warn};
use crate::output::text::counted;

/// Malls named with their command.
const NAMED: usize = 3;

/// What follows on the plan, or on what was done; empty if nothing comes back.
pub(super) fn text(malls: &[ComesBack]) -> String {
    let mut out = String::new();
    let Some(first) = malls.first() else { return out };
    let count = i64::try_from(malls.len()).unwrap_or(i64::MAX);
    let (who, pause) = if malls.len() == 1 {
        (format!("{} still wants", first.mall_id), format!("schedule pause gaps --mall {}", first.mall_id))
    } else {
        (format!("{} still want", counted(count, "mall", "malls")), "schedule pause gaps".to_owned())
    };
    let _ = write!(
        out,
        "\n{} {who} these days: the schedule gaps asks for them again within the hour. To end that history:",
        warn("! comes back")
    );
    for ComesBack { mall_id, wanted_from } in malls.iter().take(NAMED) {
        let set = format!("cafe24-sync malls set {mall_id} wanted_from={wanted_from}");
        let _ = write!(out, "\n    {}", command(set));
    }
    if malls.len() > NAMED {
        let _ = write!(out, "\n    … and {} more; --json has them all", malls.len() - NAMED);
    }
    let _ = write!(out, "\n  or, until it is resumed: {}", command(format!("cafe24-sync {pause}")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::golden::golden;

    fn malls(count: usize) -> Vec<ComesBack> {
        let wanted_from = "2025-08-01".parse().expect("a day");
        (1..=count).map(|n| ComesBack { mall_id: format!("mall{n}"), wanted_from }).collect()
    }

    #[test]
    fn a_dropped_run_says_what_comes_back_and_which_command_ends_it() {
        let cases =
            [0, 1, 2, 5].map(|count| format!("run R: 12 queued jobs were dropped{}\n", text(&malls(count))));
        golden("backfill_comes_back", |_| cases.concat());
    }
}
