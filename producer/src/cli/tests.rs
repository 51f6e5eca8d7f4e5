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
