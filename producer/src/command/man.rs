//! `man`: the manual pages, made of the same definitions as the help.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::fault::{Exit, Fault};
use crate::output::Output;
use crate::output::paint::good;

pub(super) fn run(output: Output, dir: Option<&Path>) -> Result<Exit, Fault> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        Man::new(whole(Cli::command())).render(&mut page).map_err(Fault::Output)?;
        output.raw(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(whole(Cli::command()), dir))
        .map_err(|error| Fault::File { path: dir.display().to_string(), problem: error.to_string() })?;
    output.answer(&format!("{} manual pages are in {}", good("✓"), dir.display()))?;
    Ok(Exit::Done)
}

/// With the text of every option: a page is made of the short help, which leaves out those that `--help` alone shows.
fn whole(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(mut command: clap::Command) -> String {
        let mut page = Vec::new();
        command.build();
        let dead = command.find_subcommand("dead").and_then(|dead| dead.find_subcommand("list"));
        Man::new(dead.expect("dead list").clone()).render(&mut page).expect("written");
        String::from_utf8(page).expect("text")
    }

    #[test]
    fn a_page_has_the_text_of_options_that_the_short_help_leaves_out() {
        let text = page(whole(Cli::command()));
        for (option, words) in [
            ("own", "Only with this text in failure, request or answer"),
            ("global", "Answer with one JSON document"),
        ] {
            assert!(text.contains(words), "{option}\n{text}");
        }
    }
}
