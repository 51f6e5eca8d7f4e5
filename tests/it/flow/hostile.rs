//! X1 and X2: names, reasons and bodies that want to be more than text.

use std::fs;

use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::harness::{Broker, Context as _, Output, Result, Trouble, wait_until};
use tests::simulator::FaultKind;

use super::{Flow, SOON, Setup, body, rows};

const DAY: &str = "2025-03-01";
/// A line end with a forged log line, a cleared screen, a new window title, C1, reversed writing, markup, a formula.
const HOSTILE: &str = "=cmd()|a\n{\"level\":\"error\",\"msg\":\"forged\"}\r\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}gpj\u{2028}<script>alert(1)</script>\tb";
/// Not one of X1's texts is a mall.
const NO_MALLS: [&str; 14] = [
    "evil.com/",
    "a@b",
    "a.b",
    "..",
    "a\r\nX-Evil: 1",
    "*",
    "#",
    "{}",
    "'; drop table jobs; --",
    "한빛",
    "A",
    "-a",
    "%2e%2e",
    "",
];

/// What a terminal would obey, or what would be read as something else than it is.
fn hostile(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn status(code: u16) -> FaultKind {
    let text = json!({ "error": { "message": HOSTILE } }).to_string();
    FaultKind::Status { code, headers: [].into(), body: Some(text), retry_after: None }
}

/// A contract violation that quotes the answer: the row's date is no date.
fn odd_row() -> FaultKind {
    rows(
        &json!([{ "date": HOSTILE, "productNo": HOSTILE, "productName": HOSTILE, "orderCount": HOSTILE, "salesAmount": 1 }]),
    )
}

fn good_row() -> FaultKind {
    rows(&json!([{ "date": DAY, "productNo": 7, "productName": HOSTILE, "orderCount": 1, "salesAmount": 1 }]))
}

#[tokio::test]
async fn x02_no_name_reason_or_body_forges_a_log_line_or_moves_a_terminal() -> Result<()> {
    let malls = ["named", "refused", "violates", "html", "closed", "paused"];
    let mut flow = Flow::start(Setup::new(&malls)).await?;
    flow.order("named", None, good_row())?;
    flow.order("refused", None, status(400))?;
    flow.order("violates", None, odd_row())?;
    flow.order("html", None, body(format!("<html>{HOSTILE}")))?;
    flow.order("closed", None, status(403))?;
    let wish = ["--all", "--endpoint", "products", "--from", DAY, "--to", DAY];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    flow.archived(3).await?;
    flow.cli(&["malls", "pause", "paused", "--reason", HOSTILE]).await?.success()?;
    flow.cli(&["endpoints", "pause", "visitors", "--reason", HOSTILE, "--yes"]).await?.success()?;
    let reason = "UPDATE connectors SET state_reason = $1 WHERE mall_id = 'closed'";
    flow.world.db.client().execute(reason, &[&HOSTILE]).await.context("UPDATE")?;

    // JSON: a line is an event.
    for program in flow.workers.iter().chain(&flow.daemon) {
        let log = program.log();
        assert!(!log.contains(|c| hostile(c) || c == '\t'), "{log:?}");
        assert_eq!(log.lines().count(), program.events().len(), "{log}");
        assert!(program.events().iter().all(|event| event["msg"] != "forged"));
    }
    // Text: a line begins with a time.
    flow.workers.remove(0).stop(SOON).await?;
    let text = flow.world.programs.clone().set("CAFE24_SYNC__LOG__FORMAT", "text").worker()?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let queue = flow.world.prefix.queue("fresh");
    let consumes = async || Ok(broker.depth(&queue).await?.is_some_and(|(_, consumers)| consumers == 1));
    wait_until("a worker that logs text", SOON, consumes).await?;
    flow.enqueue(&[&wish[..], &["--force"]].concat()).await?;
    flow.settled().await?;
    let log = text.log();
    assert!(log.contains("script"), "the answers' words are in the log: {log}");
    assert!(!log.contains(hostile), "{log:?}");
    assert!(log.lines().all(|line| line.starts_with("20") && line.contains("Z ")), "{log}");

    screens(&flow).await
}

/// Every screen in every form.
async fn screens(flow: &Flow) -> Result<()> {
    let letters = flow.letters().await?;
    let mut commands = vec![
        vec!["status"],
        vec!["malls", "list"],
        vec!["endpoints", "list"],
        vec!["dead", "list"],
        vec!["dead", "list", "--group"],
        vec!["enqueue", "--all", "--endpoint", "visitors", "--from", DAY, "--to", DAY, "--dry-run"],
    ];
    for letter in &letters {
        commands.push(vec!["dead", "show", &letter.id]);
    }
    let forms = [&["--color", "never"][..], &["--plain"], &["--json"]];
    let run = async |command: &[&str]| {
        let lines = forms.map(|form| [command, form].concat());
        let outputs = try_join_all(lines.iter().map(|line| flow.cli(line))).await?;
        outputs.try_into().map_err(|_| Trouble::new("not three answers"))
    };
    for (command, answers) in
        commands.iter().zip(try_join_all(commands.iter().map(|command| run(command))).await?)
    {
        let [people, plain, json]: [Output; 3] = answers;
        for output in [&people, &plain, &json] {
            output.success().with_context(|| format!("{command:?}"))?;
            assert!(
                !output.stdout.contains(hostile) && !output.stderr.contains(hostile),
                "{command:?}: {output:?}"
            );
        }
        if command.get(1) == Some(&"list") {
            let columns: Vec<_> = plain.stdout.lines().map(|line| line.matches('\t').count()).collect();
            assert!(columns.len() > 1 && columns.iter().all(|n| *n == columns[0]), "{command:?}: {plain:?}");
        }
        assert_eq!(json.stdout.lines().count(), 1, "{command:?}: {json:?}");
        let _document: Value = serde_json::from_str(&json.stdout).context("JSON")?;
    }
    // Programs get the text as it is.
    let listed = flow.world.json(&["malls", "list"]).await?;
    assert!(listed.to_string().contains(&json!(HOSTILE).to_string()), "{listed}");
    let exported = flow.cli(&["dead", "export", "-"]).await?;
    exported.success()?;
    assert!(exported.stdout.lines().count() >= letters.len(), "{exported:?}");
    assert!(!exported.stdout.contains(hostile), "{exported:?}");
    Ok(())
}

#[tokio::test]
async fn x01_no_hostile_name_passes_a_border_and_nothing_leaves() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    // The command line.
    for name in NO_MALLS {
        for command in [
            vec!["malls", "pause", name],
            vec!["malls", "remove", name, "--yes"],
            vec!["enqueue", "--mall", name, "--from", DAY, "--to", DAY, "--yes"],
        ] {
            let command =
                if name.starts_with('-') { [&command[..2], &["--", name]].concat() } else { command };
            let output = flow.cli(&command).await?;
            assert_eq!(output.code, Some(2), "{command:?}: {output:?}");
            assert!(!output.stderr.contains(hostile), "{command:?}: {output:?}");
        }
    }
    // A file.
    let path = flow.world.programs.logs().join("hostile.jsonl");
    let lines: Vec<_> =
        NO_MALLS.iter().map(|name| json!({ "mall_id": name, "mode": "api" }).to_string()).collect();
    fs::write(&path, lines.join("\n")).context("a file")?;
    let output = flow.cli(&["malls", "import", &path.to_string_lossy()]).await?;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains(&format!("{} bad lines", NO_MALLS.len())) && !output.stderr.contains(hostile),
        "{output:?}"
    );
    // The database.
    for name in NO_MALLS {
        let insert = "INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key) VALUES ($1, 'agency-1', 'seed', 'x')";
        assert!(flow.world.db.client().execute(insert, &[&name]).await.is_err(), "{name:?}");
        let key = "UPDATE connectors SET limiter_key = $1";
        let refused = flow.world.db.client().execute(key, &[&format!("a b{{{name}}}")]).await;
        assert!(refused.is_err(), "{name:?}");
    }
    // A message.
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    for (number, name) in NO_MALLS.iter().enumerate() {
        let message = json!({
            "v": 1, "job_id": format!("00000000-0000-4000-8000-{number:012}"), "mall_id": name, "shop_no": 1,
            "endpoint": "visitors", "granularity": "day", "start": DAY, "end": DAY, "lane": "fresh",
            "requested_at": "2025-04-01T00:00:00Z",
        });
        broker.publish(&flow.world.prefix.jobs_exchange(), "fresh", message.to_string().as_bytes()).await?;
    }
    let letters = flow.archived(NO_MALLS.len()).await?;
    assert!(letters.iter().all(|letter| letter.class == "unreadable"), "{letters:?}");

    let report = flow.world.sim.report();
    assert_eq!((report.total.requests, report.unknown_mall), (0, 0));
    assert_eq!(flow.world.db.number("SELECT count(*) FROM connectors").await?, 1);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM jobs").await?, 0);
    Ok(())
}
