//! What a failure probably means, and what to do: one table, read from above.

/// A likely cause and its remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// What probably happened.
    pub cause: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

struct Row {
    class: &'static str,
    /// Statuses of the answer, from and to; `None`: any or none.
    status: Option<(i64, i64)>,
    /// A part of the failure's words; empty: any.
    words: &'static str,
    remedy: Remedy,
}

const fn row(
    class: &'static str,
    status: Option<(i64, i64)>,
    words: &'static str,
    cause: &'static str,
    action: &'static str,
) -> Row {
    Row { class, status, words, remedy: Remedy { cause, action } }
}

/// The first row that fits decides.
const TABLE: [Row; 23] = [
    row(
        "contract_violation",
        None,
        "(body limit)",
        "the answer is larger than this installation takes",
        "raise worker.body_max, then replay",
    ),
    row(
        "contract_violation",
        None,
        "the offset is not heeded",
        "the API sends the same page again and again, so the rest of the answer cannot be had",
        "replay once; if it comes back, report it to Cafe24 with the request",
    ),
    row(
        "contract_violation",
        None,
        "is missing",
        "the API no longer sends a field that belongs there, or sends it under another name",
        "compare the answer with Cafe24's reference; if the API changed, upgrade cafe24-sync, then replay",
    ),
    row(
        "contract_violation",
        None,
        "outside the chunk",
        "the API answered for other days than those that were asked for",
        "replay once; if it comes back, report it to Cafe24 with the request and the answer",
    ),
    row(
        "contract_violation",
        None,
        "with different values",
        "the answer names one product or domain twice, so neither figure can be trusted",
        "replay once; if it comes back, report it to Cafe24 with the request and the answer",
    ),
    row(
        "contract_violation",
        None,
        "",
        "the answer has another shape than the API's reference says",
        "look at the answer; if the API changed, upgrade cafe24-sync, then replay",
    ),
    row(
        "invalid_request",
        Some((300, 399)),
        "",
        "the API redirects: a proxy stands before it, or it moved",
        "check cafe24.base_url, then replay",
    ),
    row(
        "invalid_request",
        Some((404, 404)),
        "",
        "the API does not know this path for the mall: wrong dialect or base_url, or the mall closed",
        "check the mall's dialect and cafe24.base_url, then replay; a closed mall: discard",
    ),
    row(
        "invalid_request",
        Some((400, 400)),
        "",
        "the API refuses a parameter, often the range or the shop number",
        "read the answer; a range that is too long: enqueue its days with --chunk-days 30, then replay; \
         else check the mall's shops and the age of the days, then replay or discard",
    ),
    row(
        "invalid_request",
        Some((422, 422)),
        "",
        "the API understands the request and refuses its values, often days that are too old",
        "read the answer; then replay or discard",
    ),
    row(
        "invalid_request",
        None,
        "must be asked day by day",
        "the mall's dialect has no such request: it was changed after the job was planned, and none was sent",
        "check the mall's dialect and endpoints (malls show); discard, and plan what is wanted with enqueue --missing",
    ),
    row(
        "invalid_request",
        None,
        "has no endpoint",
        "the mall's dialect has no such request: it was changed after the job was planned, and none was sent",
        "check the mall's dialect and endpoints (malls show); discard, and plan what is wanted with enqueue --missing",
    ),
    row(
        "invalid_request",
        None,
        "cannot answer by",
        "the mall's dialect has no such request: it was changed after the job was planned, and none was sent",
        "check the mall's dialect and endpoints (malls show); discard, and plan what is wanted with enqueue --missing",
    ),
    row(
        "invalid_request",
        None,
        "",
        "the API refuses the request",
        "read the answer; then replay or discard",
    ),
    row(
        "transient",
        None,
        "moved between the pages",
        "the figures of the day changed while its pages were fetched, every time",
        "replay, at a quieter hour if it comes back",
    ),
    row(
        "transient",
        Some((200, 200)),
        "not JSON",
        "a maintenance page in place of figures, for longer than all attempts took",
        "replay when Cafe24's maintenance is over",
    ),
    row(
        "transient",
        Some((500, 599)),
        "",
        "Cafe24 had a failure of its own for longer than all attempts took",
        "replay when other malls' requests succeed again (status)",
    ),
    row(
        "transient",
        None,
        "",
        "Cafe24 or the network did not answer for longer than all attempts took",
        "replay when other malls' requests succeed again (status)",
    ),
    row(
        "bug",
        None,
        "poison",
        "the job ended its worker again and again, perhaps for want of memory",
        "read the workers' logs of that time and give them more memory or a smaller worker.body_max, then replay",
    ),
    row(
        "bug",
        None,
        "",
        "a defect of ours: the worker's code panicked on this answer",
        "please report it with this page; replay after an upgrade",
    ),
    row(
        "unreadable",
        None,
        "newer worker",
        "a newer producer published it while only older workers ran",
        "upgrade the workers; then enqueue its days, and discard this",
    ),
    row(
        "unreadable",
        None,
        "does not know",
        "its job was forgotten long ago, or belongs to another installation on this broker",
        "if it is foreign, find out who publishes here; then discard it",
    ),
    row(
        "unreadable",
        None,
        "",
        "something that is no job was published to the jobs' exchange",
        "find out who publishes here; then discard it",
    ),
];

/// What `class` with this status and these words probably means.
pub fn remedy(class: &str, status: Option<i64>, words: &str) -> Remedy {
    let fits = |row: &&Row| {
        row.class == class
            && row.status.is_none_or(|(from, to)| status.is_some_and(|status| (from..=to).contains(&status)))
            && words.contains(row.words)
    };
    TABLE.iter().find(fits).map_or(
        Remedy {
            cause: "this class of failure is not archived by this version",
            action: "look at the answer; then replay or discard",
        },
        |row| row.remedy,
    )
}

#[cfg(test)]
mod tests {
    use common::domain::failure::{AttemptLimits, Disposition, FailureClass, disposition};

    use super::*;

    #[test]
    fn every_class_that_can_die_has_a_remedy_for_whatever_words() {
        for class in FailureClass::ALL {
            let dies = disposition(class, 100, AttemptLimits::default()) == Disposition::Dead;
            let last = TABLE.iter().rfind(|row| row.class == class.as_str());
            assert_eq!(last.is_some_and(|row| row.status.is_none() && row.words.is_empty()), dies, "{class}");
        }
    }

    #[test]
    fn no_row_is_hidden_by_one_above() {
        for row in &TABLE {
            let found = remedy(row.class, row.status.map(|(from, _)| from), row.words);
            assert_eq!(found, row.remedy, "{} {:?} {}", row.class, row.status, row.words);
        }
    }
}
