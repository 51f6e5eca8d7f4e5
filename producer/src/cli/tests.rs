use clap::CommandFactory;

use super::*;

#[test]
fn the_command_tree_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn no_short_help_is_longer_than_25_lines() {
    let mut root = Cli::command();
    root.build();
    let mut open = vec![root];
    while let Some(mut command) = open.pop() {
        let help = command.render_help().to_string();
        // Longer lines wrap on a screen of 100 columns.
        let lines: usize = help.lines().map(|line| line.chars().count().div_ceil(100).max(1)).sum();
        // The first page has one line a noun, and still fits a laptop's terminal; `help` has the same list.
        let most = if matches!(command.get_name(), "cafe24-sync" | "help") { 40 } else { 25 };
        assert!(lines <= most, "{}: {lines} lines\n{help}", command.get_name());
        open.extend(command.get_subcommands().cloned());
    }
}

/// The commands with their paths, those that only hold others left out.
fn leaves() -> Vec<(Vec<String>, clap::Command)> {
    let mut root = Cli::command();
    root.build();
    let mut open = vec![(Vec::new(), root)];
    let mut leaves = Vec::new();
    while let Some((path, command)) = open.pop() {
        let path = [path, vec![command.get_name().to_owned()]].concat();
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        open.extend(inner.map(|inner| (path.clone(), inner.clone())));
        if !command.is_subcommand_required_set() && path.len() > 1 && command.get_name() != "help" {
            leaves.push((path, command));
        }
    }
    leaves
}

/// The words of a line of examples, as a shell has them; what stands behind another program's part is left out.
fn words(line: &str) -> Vec<String> {
    let line = line[line.find("cafe24-sync").unwrap_or(0)..].split("   ").next().unwrap_or_default();
    let line = line.split(['|', '>', '&']).next().unwrap_or_default();
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars().chain([' ']) {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            c => word.push(c),
        }
    }
    words
}

#[test]
fn every_command_begins_with_an_example_of_itself_that_is_one() {
    let mut without = Vec::new();
    for (path, command) in leaves() {
        let help = command.get_before_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<_> = help.lines().filter(|line| line.contains("cafe24-sync ")).map(words).collect();
        if !examples.iter().any(|words| words.starts_with(&path)) {
            without.push(path.join(" "));
        }
        for words in examples {
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        }
    }
    assert!(without.is_empty(), "no example: {without:#?}");
}

#[test]
fn no_line_of_an_example_wraps_where_a_shell_would_see_two() {
    for (path, command) in leaves() {
        let help = command.get_before_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines() {
            assert!(line.chars().count() <= 98, "{path:?}: {line}");
        }
    }
}

#[test]
fn options_of_every_command_stand_apart_from_its_own() {
    for (path, mut command) in leaves() {
        let help = command.render_long_help().to_string();
        let (own, global) = help.split_once("Options of every command").expect("both");
        assert!(
            global.contains("--json") && !own.lines().any(|line| line.trim_start().starts_with("--json")),
            "{path:?}\n{help}"
        );
    }
}

#[test]
fn a_slip_of_the_finger_is_told_the_nearest_name() {
    let hint = |line: &str| Cli::try_parse_from(line.split(' ')).expect_err("refused").to_string();
    assert!(hint("cafe24-sync statsu").contains("'status'"));
    assert!(hint("cafe24-sync malls lits").contains("'list'"));
    assert!(hint("cafe24-sync enqueue --all --lats 7d").contains("'--last'"));
    assert!(hint("cafe24-sync enqueue --all --last 7d --endpoint visitor").contains("visitors"));
}

#[test]
fn whoever_takes_an_endpoint_lists_those_of_the_table() {
    let mut takers = 0;
    for (path, command) in leaves() {
        for arg in
            command.get_arguments().filter(|arg| matches!(arg.get_id().as_str(), "endpoint" | "endpoints"))
        {
            let listed: Vec<_> =
                arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            let table: Vec<_> =
                common::domain::endpoint::Endpoint::all().map(|one| one.as_str().to_owned()).collect();
            assert_eq!(listed, table, "{path:?}");
            takers += 1;
        }
    }
    assert!(takers >= 8, "{takers}");
}

#[test]
fn what_excludes_each_other_is_a_usage_error() {
    let refused = |line: &str| Cli::try_parse_from(line.split(' ')).is_err();
    assert!(refused("cafe24-sync enqueue --last 7d"), "no mall");
    assert!(refused("cafe24-sync enqueue --all"), "no days");
    assert!(refused("cafe24-sync enqueue --all --mall a --last 7d"));
    assert!(refused("cafe24-sync enqueue --all --last 7d --from 2026-02-01 --to 2026-02-02"));
    assert!(refused("cafe24-sync enqueue --all --from 2026-02-01"));
    assert!(refused("cafe24-sync enqueue --all --last 7d --missing --force"));
    assert!(refused("cafe24-sync enqueue --all --last 7d --wait --dry-run"));
    assert!(refused("cafe24-sync enqueue --mall ../x --last 7d"));
    assert!(!refused(
        "cafe24-sync enqueue --mall a --mall b c --last 7d --endpoint products --wait=10m --json"
    ));
}
