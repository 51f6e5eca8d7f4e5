//! `export`: rows of the analysts' views as JSON lines or CSV, in bounded memory.
//!
//! Read mall by mall and some days at a time: no statement and no snapshot waits for whoever reads the export, so each row is
//! as it was when it was read. The wish is in the audit log before the first row leaves.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use chrono::{Days, NaiveDate};
use common::domain::ids::{MallId, Purpose};
use common::domain::text::{is_hostile, printable_json};
use common::store::{AuditEntry, Connector, Control, ExportKind, ExportRow, ExportView};
use serde_json::json;

use super::context::Context;
use super::enqueue::{known_agency, unknown_mall};
use crate::cli::{ExportArgs, Format};
use crate::fault::{Exit, Fault};
use crate::output::progress::Progress;
use crate::output::text::{counted, number};

/// Malls named where some are left out.
const NAMED: usize = 5;

pub(super) async fn run(context: &Context, args: &ExportArgs) -> Result<Exit, Fault> {
    if args.from > args.to {
        return Err(Fault::Range {
            what: format!("the range {}…{} ends before it starts", args.from, args.to),
            why: "--from is the first day, --to the last, both included".to_owned(),
            action: format!("--from {} --to {}", args.to, args.from),
        });
    }
    let control = context.database().await?;
    let malls = approved(context, &control, args, chosen(context, &control, args).await?).await?;
    let view = args.view;
    let entry = AuditEntry {
        actor: &Context::actor(),
        action: "export",
        mall: if let [only] = malls.as_slice() { Some(only) } else { None },
        target: &format!("{} {}…{}", view.name(), args.from, args.to),
        plan: None,
        details: json!({
            "purpose": args.purpose, "agency": args.agency, "all": args.all, "malls": malls.len(),
            "named": args.malls,
        }),
    };
    control.audit(&entry).await.map_err(|error| context.store(error))?;
    match write_all(context, &control, args, view, &malls).await? {
        // A reader that went away (`| head`) has had enough.
        None => {}
        Some(rows) => context.output.note(&format!(
            "{} of {} written",
            counted(rows, "row", "rows"),
            counted(i64::try_from(malls.len()).unwrap_or(i64::MAX), "mall", "malls")
        )),
    }
    Ok(Exit::Done)
}

/// The malls that the command line speaks of, by id.
async fn chosen(context: &Context, control: &Control, args: &ExportArgs) -> Result<Vec<Connector>, Fault> {
    let wanted: BTreeSet<MallId> = args.malls.iter().cloned().collect();
    let ids: Vec<MallId> = wanted.iter().cloned().collect();
    let mut found = control.connectors(&ids).await.map_err(|error| context.store(error))?;
    if let Some(mall) = wanted.iter().find(|id| !found.iter().any(|mall| mall.mall_id == **id)) {
        return Err(unknown_mall(context, control, mall).await);
    }
    if let Some(agency) = &args.agency {
        known_agency(context, control, agency).await?;
        found.retain(|mall| mall.agency_id == *agency);
    }
    if found.is_empty() { Err(Fault::NoMalls) } else { Ok(found) }
}

/// Those that may be exported for the purpose. A mall that was named and is not approved stops everything; of an agency, or
/// of all, those that are not approved are left out and told.
async fn approved(
    context: &Context,
    control: &Control,
    args: &ExportArgs,
    malls: Vec<Connector>,
) -> Result<Vec<MallId>, Fault> {
    let ids: Vec<MallId> = malls.into_iter().map(|mall| mall.mall_id).collect();
    let Some(purpose) = &args.purpose else { return Ok(ids) };
    let approvals = control.approvals(&ids).await.map_err(|error| context.store(error))?;
    let has = |mall: &MallId| {
        let of = approvals.get(mall.as_str()).map(Vec::as_slice).unwrap_or_default();
        of.iter().any(|approval| approval.purpose == purpose.as_str())
    };
    let (approved, without): (Vec<MallId>, Vec<MallId>) = ids.into_iter().partition(has);
    if approved.is_empty() || (!args.malls.is_empty() && !without.is_empty()) {
        return Err(Fault::NotApproved { malls: without, purpose: purpose.clone() });
    }
    if !without.is_empty() {
        context.output.note(&left_out(&without, purpose));
    }
    Ok(approved)
}

fn left_out(malls: &[MallId], purpose: &Purpose) -> String {
    let count = i64::try_from(malls.len()).unwrap_or(i64::MAX);
    let named: Vec<&str> = malls.iter().take(NAMED).map(MallId::as_str).collect();
    let more = if malls.len() > NAMED { ", …" } else { "" };
    format!(
        "{} not approved for {purpose} left out: {}{more}",
        counted(count, "mall", "malls"),
        named.join(", ")
    )
}

/// Writes all rows; `None`: the reader went away.
async fn write_all(
    context: &Context,
    control: &Control,
    args: &ExportArgs,
    view: ExportView,
    malls: &[MallId],
) -> Result<Option<i64>, Fault> {
    let mut to = BufWriter::new(io::stdout());
    let mut progress = Progress::new(context.output, "export");
    let total = i64::try_from(malls.len()).unwrap_or(i64::MAX);
    let mut rows = 0;
    let written = |result: io::Result<()>| match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Fault::Output(error)),
    };
    if args.format == Format::Csv && !written(csv_line(&mut to, view.columns().iter().map(|c| c.name)))? {
        return Ok(None);
    }
    for (mall, done) in malls.iter().zip(1..) {
        let mut from = args.from;
        while from <= args.to {
            let to_day = end(from, view.days_at_once(), args.to);
            let page = control.export_rows(view, mall, from, to_day).await.map_err(|error| {
                context.store_after(error, "what was written before is complete up to its last line")
            })?;
            for row in &page {
                let result = match args.format {
                    Format::Ndjson => writeln!(to, "{}", printable_json(&object(view, row))),
                    Format::Csv => {
                        let cells: Vec<_> = cells(view, row).collect();
                        csv_line(&mut to, cells.iter().map(Cow::as_ref))
                    }
                };
                if !written(result)? {
                    return Ok(None);
                }
                rows += 1;
            }
            let Some(next) = to_day.succ_opt() else { break };
            from = next;
        }
        progress.show(
            done,
            total,
            &format!("{}/{} malls · {} rows", number(done), number(total), number(rows)),
        );
    }
    Ok(written(to.flush())?.then_some(rows))
}

/// The last day of the piece that begins at `from`.
fn end(from: NaiveDate, days: u64, last: NaiveDate) -> NaiveDate {
    from.checked_add_days(Days::new(days - 1)).unwrap_or(last).min(last)
}

/// One row as a JSON object, its fields in the view's order.
fn object(view: ExportView, row: &ExportRow) -> String {
    let mut out = String::from("{");
    for (column, cell) in view.columns().iter().zip(row) {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&json!(column.name).to_string());
        out.push(':');
        match (cell, column.kind) {
            (None, _) => out.push_str("null"),
            (Some(cell), ExportKind::Text) => out.push_str(&json!(cell).to_string()),
            (Some(cell), ExportKind::Number | ExportKind::Flag) => out.push_str(cell),
        }
    }
    out.push('}');
    out
}

/// One row as cells, its texts so that a spreadsheet takes none for a formula and a terminal none for a command
/// (`docs/reliability.md` X2): an apostrophe before `=`, `+`, `-`, `@`, a tab or a carriage return; hostile characters as JSON has them.
fn cells(view: ExportView, row: &ExportRow) -> impl Iterator<Item = Cow<'_, str>> {
    view.columns().iter().zip(row).map(|(column, cell)| {
        match (cell.as_deref().unwrap_or_default(), column.kind) {
            (text, ExportKind::Text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                Cow::Owned(format!("'{}", printable(text)))
            }
            (text, ExportKind::Text) => printable(text),
            (other, ExportKind::Number | ExportKind::Flag) => Cow::Borrowed(other),
        }
    })
}

/// A text with its hostile characters as they stand in a JSON line.
fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) {
            let quoted = json!(c).to_string();
            out.push_str(printable_json(quoted.trim_matches('"')).as_ref());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn csv_line<'a>(to: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut line = csv::WriterBuilder::new().from_writer(Vec::new());
    line.write_record(cells)?;
    to.write_all(&line.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ExportRow {
        let name = "=1+1, \"흰\"\nbag";
        ["hanbit", "1", "2026-02-15", "1833", name, "11", "", "19080.50", "", "", "true", "", ""]
            .iter()
            .map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned()))
            .collect()
    }

    #[test]
    fn a_row_is_an_object_in_the_views_order_with_numbers_as_they_are() {
        assert_eq!(
            object(ExportView::Products, &row()),
            r#"{"mall_id":"hanbit","shop_no":1,"day":"2026-02-15","product_no":"1833","product_name":"=1+1, \"흰\"\nbag","orders":11,"units":null,"sales_amount":19080.50,"product_views":null,"cart_adds":null,"is_final":true,"fetched_at":null,"changed_at":null}"#
        );
    }

    #[test]
    fn x02_a_csv_cell_is_quoted_and_no_formula_and_moves_no_terminal() {
        let line = |row: &ExportRow| {
            let mut line = Vec::new();
            let cells: Vec<_> = cells(ExportView::Products, row).collect();
            csv_line(&mut line, cells.iter().map(Cow::as_ref)).expect("memory");
            String::from_utf8(line).expect("text")
        };
        assert_eq!(
            line(&row()),
            "hanbit,1,2026-02-15,1833,\"'=1+1, \"\"흰\"\"\\nbag\",11,,19080.50,,,true,,\n"
        );
        for (name, cell) in [
            ("+82 2", "'+82 2"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\t=1"),
            ("\r=1", "'\\r=1"),
            ("a\u{1b}[2J\u{202e}b", "a\\u001b[2J\\u202eb"),
            ("a=b", "a=b"),
        ] {
            let mut row = row();
            row[4] = Some(name.to_owned());
            row[7] = Some("-19080.50".to_owned());
            assert_eq!(line(&row), format!("hanbit,1,2026-02-15,1833,{cell},11,,-19080.50,,,true,,\n"));
        }
    }

    #[test]
    fn pieces_cover_the_range_without_a_day_twice() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert_eq!(end(day("2026-02-01"), 7, day("2026-02-10")), day("2026-02-07"));
        assert_eq!(end(day("2026-02-08"), 7, day("2026-02-10")), day("2026-02-10"));
        assert_eq!(end(NaiveDate::MAX, 7, NaiveDate::MAX), NaiveDate::MAX);
    }
}
