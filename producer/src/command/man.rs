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
        Man::new(Cli::command()).render(&mut page).map_err(Fault::Output)?;
        output.raw(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|error| Fault::File { path: dir.display().to_string(), problem: error.to_string() })?;
    output.answer(&format!("{} manual pages are in {}", good("✓"), dir.display()))?;
    Ok(Exit::Done)
}
