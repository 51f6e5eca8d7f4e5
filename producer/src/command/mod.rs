//! One file a noun. A command returns how the program ends, or the one fault that stopped it.

mod agree;

mod apps;

mod backfill;

mod alerts;

mod config;

mod connect;

mod context;

mod coverage;

mod db;

mod disconnect;

mod dead;

mod doctor;

mod endpoints;

mod enqueue;

mod export;

mod health;

mod init;

mod lanes;

mod limits;

mod malls;

mod man;

mod probe;

mod queue;

mod runs;

mod schedule;

mod serve;

mod status;

mod tokens;

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::{Value, json};

use crate::cli::{Cli, Color, Command, ConfigCommand};
use crate::fault::{Exit, Fault};
use crate::output::Output;
use crate::output::json::SCHEMA_VERSION;
use crate::output::paint::command;

use self::context::Context;

/// Reads the command line, runs the command, says the fault if there is one.
pub fn main() -> ExitCode {
    let hardened = common::process::harden();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error).code()),
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let output = Output {
        json: cli.global.json,
        plain: cli.global.plain,
        quiet: cli.global.quiet,
        no_input: cli.global.no_input,
    };
    let exit = match hardened.map_err(Fault::Start).and_then(|()| run(cli, output)) {
        Ok(exit) => exit,
        Err(fault) => {
            output.complain(&if output.json { fault.json() } else { fault.text() });
            fault.exit()
        }
    };
    ExitCode::from(exit.code())
}

/// Says what clap found: help and version on stdout, mistakes on stderr, as JSON if that was asked for.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let output = Output::default();
        return output.answer(&error.render().ansi().to_string()).map_or_else(
            |fault| {
                output.complain(&fault.text());
                fault.exit()
            },
            |()| Exit::Done,
        );
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let document = usage_json(error);
        // Nobody can be told that stderr is gone.
        let _ = writeln!(std::io::stderr(), "{document}");
    } else {
        // clap repeats what was typed, which a script may have taken from anywhere.
        let text = error.render().ansi().to_string();
        Output::default().complain(text.trim_end());
    }
    Exit::Usage
}

/// The same for programs, under the names of every other error. What stands under the first line is part of it: which arguments
/// are missing, which values there are.
fn usage_json(error: &clap::Error) -> Value {
    let text = error.to_string();
    let mut lines = text.lines();
    let what = lines.next().unwrap_or_default().trim_start_matches("error: ");
    let list: Vec<&str> = lines.take_while(|line| !line.is_empty()).map(str::trim).collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "error": {
            "code": "E-USE-01", "what": what, "why": "", "list": list, "now": "nothing was changed",
            "do": "cafe24-sync --help",
        },
        "exit": Exit::Usage.code(),
    })
}

fn run(cli: Cli, output: Output) -> Result<Exit, Fault> {
    let Some(command) = cli.command else {
        output.answer(&start_here())?;
        return Ok(Exit::Done);
    };
    if output.is_for_programs()
        && let Some(form) = command.own_form(output.json)
    {
        return Err(Fault::Range {
            what: format!("{} has no meaning here", if output.json { "--json" } else { "--plain" }),
            why: form.to_owned(),
            action: again_without(&["--json", "--plain"]),
        });
    }
    match command {
        Command::Init { dir } => init::run(output, &dir),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "cafe24-sync", &mut text);
            output.raw(&String::from_utf8_lossy(&text))?;
            Ok(Exit::Done)
        }
        Command::Man { dir } => man::run(output, dir.as_deref()),
        Command::Version => version(output),
        Command::Config(ConfigCommand::Check { connect: true }) => on_runtime(config::connect(
            &Context::load(output, cli.global.config.as_deref(), cli.global.verbose)?,
        )),
        Command::Config(args) => config::run(output, cli.global.config.as_deref(), &args),
        Command::Doctor(args) => {
            // Its answer has the warnings in it.
            let silent = Output { quiet: true, ..output };
            let context = Context::load(silent, cli.global.config.as_deref(), cli.global.verbose)?;
            on_runtime(doctor::run(&Context { output, ..context }, &args))
        }
        other => {
            let context = Context::load(output, cli.global.config.as_deref(), cli.global.verbose)?;
            on_runtime(work(&context, other))
        }
    }
}

fn on_runtime(command: impl Future<Output = Result<Exit, Fault>>) -> Result<Exit, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Fault::Start)?;
    runtime.block_on(Box::pin(command))
}

/// The commands that need a server.
async fn work(context: &Context, command: Command) -> Result<Exit, Fault> {
    match command {
        Command::Status { check } => status::run(context, check).await,
        Command::Connect(args) => Box::pin(connect::run(context, &args)).await,
        Command::Disconnect(args) => Box::pin(disconnect::run(context, &args)).await,
        Command::Enqueue(args) => Box::pin(enqueue::run(context, &args)).await,
        Command::Export(args) => export::run(context, &args).await,
        Command::Coverage(args) => coverage::run(context, &args).await,
        Command::Malls(command) => malls::run(context, command).await,
        Command::Apps(command) => apps::run(context, command).await,
        Command::Tokens(command) => Box::pin(tokens::run(context, command)).await,
        Command::Probe(args) => Box::pin(probe::run(context, &args)).await,
        Command::Endpoints(command) => endpoints::run(context, command).await,
        Command::Alerts(command) => alerts::run(context, command).await,
        Command::Dead(command) => dead::run(context, command).await,
        Command::Schedule(command) => schedule::run(context, command).await,
        Command::Queue(command) => queue::run(context, &command).await,
        Command::Limits(args) => limits::run(context, &args).await,
        Command::Backfill(command) => backfill::run(context, &command).await,
        Command::Db(command) => db::run(context, &command).await,
        Command::Serve(args) => Box::pin(serve::run(context, args)).await,
        // Done before.
        Command::Init { .. }
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Version
        | Command::Config(_)
        | Command::Doctor(_) => Ok(Exit::Done),
    }
}

fn start_here() -> String {
    let lines = [
        ("cafe24-sync init", "writes a configuration and a master key"),
        ("cafe24-sync db migrate", "prepares the database"),
        ("cafe24-sync doctor", "looks whether everything is well"),
        ("cafe24-sync connect MALL", "authorises a mall"),
        ("cafe24-sync enqueue --mall MALL --last 7d", "fetches its last week"),
        ("cafe24-sync status", "shows what is fresh and what needs you"),
    ];
    let mut out = "start here:\n".to_owned();
    for (line, what) in lines {
        let pad = 44 - line.len();
        let _ = writeln!(out, "  {}{:pad$}{what}", command(line), "");
    }
    out.push_str("all commands: cafe24-sync --help\n");
    out
}

fn version(output: Output) -> Result<Exit, Fault> {
    let (version, migrations) = (env!("CARGO_PKG_VERSION"), common::store::Control::migrations());
    if output.is_for_programs() {
        output.document(
            &json!({ "schema_version": SCHEMA_VERSION, "version": version, "migrations": migrations }),
        )?;
    } else {
        output.answer(&format!("cafe24-sync {version} · schema {migrations}"))?;
    }
    Ok(Exit::Done)
}

/// This command line without some flags.
fn again_without(flags: &[&str]) -> String {
    rephrase(std::env::args().skip(1).filter(|arg| !flags.contains(&arg.as_str())), &[])
}

/// This command line as a person would type it to go on from a plan: without `--dry-run`, `--plan ID` and `--yes`, and
/// with `with` at its end.
fn again(with: &[&str]) -> String {
    rephrase(std::env::args().skip(1), with)
}

fn rephrase(args: impl Iterator<Item = String>, with: &[&str]) -> String {
    let mut words = vec!["cafe24-sync".to_owned()];
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--dry-run" | "--yes" => {}
            "--plan" => drop(args.next()),
            other if other.starts_with("--plan=") => {}
            other => words.push(quote(other)),
        }
    }
    words.extend(with.iter().map(|word| quote(word)));
    words.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{quote, rephrase, usage_json};
    use crate::cli::Cli;
    use crate::fault::Fault;

    #[test]
    fn a_usage_error_tells_programs_what_is_missing_under_the_names_of_every_error() {
        let error = Cli::try_parse_from(["cafe24-sync", "enqueue", "--json"]).expect_err("refused");
        let document = usage_json(&error);
        let list: Vec<_> = document["error"]["list"].as_array().into_iter().flatten().collect();
        assert_eq!(list, ["<--mall <MALL>...|--all>", "<--last <7d>|--from <DAY>|--missing>"]);
        let names = |document: &serde_json::Value| -> Vec<String> {
            document["error"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let other = serde_json::from_str(&Fault::UnknownRun("7c1e".to_owned()).json()).expect("JSON");
        assert_eq!(names(&document), names(&other));
    }

    #[test]
    fn the_next_command_keeps_the_wish_and_takes_the_plan() {
        let args = ["enqueue", "--all", "--last", "90d", "--dry-run", "--plan", "old", "--plan=older"];
        let line = rephrase(args.iter().map(|s| (*s).to_owned()), &["--plan", "7c1e02aa", "--yes"]);
        assert_eq!(line, "cafe24-sync enqueue --all --last 90d --plan 7c1e02aa --yes");
    }

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        assert_eq!(quote("--last=7d"), "--last=7d");
        assert_eq!(quote("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quote(""), "''");
    }
}
