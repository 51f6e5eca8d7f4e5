//! `dead export`: letters as JSON lines, with every byte of their messages.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::domain::text::printable_json;
use common::store::Control;
use serde_json::json;
use uuid::Uuid;

use super::{document, which};
use crate::cli::DeadExportArgs;
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::progress::Progress;
use crate::output::text::{counted, number};

/// Letters read at once.
const PAGE: i64 = 500;
/// Messages of ours have at most this many bytes and are read with their page; longer ones one by one.
const SHORT: i64 = 16 << 10;

pub(super) async fn run(context: &Context, control: &Control, args: DeadExportArgs) -> Result<Exit, Fault> {
    let mut filter = which::filter(context, control, &[], &args.filter).await?;
    filter.states = args.state.0;
    let summary = control.letter_summary(&filter).await.map_err(|error| context.store(error))?;
    // What is archived meanwhile does not make the export endless.
    filter.archived_until = Some(summary.as_of);
    let path = &args.file;
    let broken = |error: &io::Error| Fault::File { path: path.clone(), problem: error.to_string() };
    let mut to: Box<dyn Write> = if path == "-" {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        Box::new(BufWriter::new(File::create(path).map_err(|error| broken(&error))?))
    };
    let mut progress = Progress::new(context.output, "export");
    let (mut after, mut written) = (None, 0);
    loop {
        let letters = control.letters(&filter, after, PAGE).await.map_err(|error| context.store(error))?;
        let Some(last) = letters.last() else { break };
        after = Some(last.letter_id);
        let short: Vec<Uuid> =
            letters.iter().filter(|l| l.body_bytes <= SHORT).map(|letter| letter.letter_id).collect();
        let mut bodies = control.letter_bodies(&short).await.map_err(|error| context.store(error))?;
        for letter in &letters {
            let body = match bodies.remove(&letter.letter_id) {
                Some(body) => Some(body),
                None => control.letter_body(letter.letter_id).await.map_err(|error| context.store(error))?,
            };
            let mut line = document(letter)?;
            line["schema_version"] = json!(crate::output::json::SCHEMA_VERSION);
            line["body_base64"] = json!(STANDARD.encode(body.unwrap_or_default()));
            match writeln!(to, "{}", printable_json(&line.to_string())) {
                // A reader that went away (`| head`) has had enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
                result => result.map_err(|error| broken(&error))?,
            }
            written += 1;
        }
        progress.show(
            written,
            summary.letters,
            &format!("{}/{} letters", number(written), number(summary.letters)),
        );
    }
    match to.flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        result => result.map_err(|error| broken(&error))?,
    }
    drop(progress);
    context.output.note(&format!("{} written", counted(written, "letter", "letters")));
    Ok(Exit::Done)
}
