//! Answers as files, every value replaced: what the decoder's tests can read of a mall that nobody may see.

use std::io;
use std::path::{Path, PathBuf};

use common::api::Question;
use common::api::contract::StandIns;
use common::domain::calendar::Granularity;
use common::domain::endpoint::Dialect;
use common::domain::ids::{MallId, ShopNo};
use common::domain::job::Wanted;
use serde_json::{Value, json};

use super::plan::Call;
use super::run::Seen;

/// The mall's stand-in.
const MALL: &str = "mall";

/// Writes one file a call that brought JSON, `{dialect}-{endpoint}-{call}.json`. Which files.
pub(crate) fn record(dir: &Path, dialect: Dialect, seen: &[Seen]) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir)?;
    let mut stand_ins = StandIns::default();
    let mut files = Vec::new();
    let mut earlier = 0;
    for one in seen {
        let Some(fixture) = fixture(dialect, one, &mut stand_ins) else { continue };
        let call = match one.step.call {
            Call::Earlier => {
                earlier = earlier % 2 + 1;
                format!("earlier-{earlier}")
            }
            other => other.name().to_owned(),
        };
        let path = dir.join(format!("{dialect}-{}-{call}.json", one.step.endpoint));
        let mut text = serde_json::to_string_pretty(&fixture)?;
        text.push('\n');
        std::fs::write(&path, text)?;
        files.push(path);
    }
    Ok(files)
}

/// `None`: no answer, or none that is JSON.
fn fixture(dialect: Dialect, seen: &Seen, stand_ins: &mut StandIns) -> Option<Value> {
    let step = seen.step;
    let wire = step.endpoint.wire(dialect)?;
    let body = stand_ins.body(&seen.looked.body, wire, step.chunk)?;
    let days = StandIns::days(step.chunk);
    let mall = MallId::try_from(MALL.to_owned()).ok()?;
    let wanted = Wanted {
        mall_id: &mall,
        shop_no: ShopNo::FIRST,
        endpoint: step.endpoint,
        granularity: Granularity::Day,
        chunk: days,
    };
    let request = Question::new(wanted, dialect)?.path_and_query();
    Some(json!({
        "call": step.call.name(), "dialect": dialect, "endpoint": step.endpoint,
        "from": days.start(), "to": days.end(), "request": request,
        "status": seen.looked.status, "headers": seen.looked.headers, "body": body,
    }))
}
