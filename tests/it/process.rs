//! What the operating system tells others of the programs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use tests::harness::{Context as _, Program, Result, World, WorldConfig};

const LIMIT: Duration = Duration::from_secs(20);

/// The core file's largest size, soft and hard, as the kernel says it.
fn core_limit(pid: u32) -> Result<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).context("limits")?;
    let line = text.lines().find(|line| line.starts_with("Max core file size")).context("the line")?;
    let mut words = line.split_whitespace().skip(4);
    Ok((words.next().context("soft")?.to_owned(), words.next().context("hard")?.to_owned()))
}

/// Whether a process of the same user may read its memory and environment. The kernel gives the files of a process that
/// is not dumpable to root; those of a process of root are root's in any case, so then the group tells: `harness` starts
/// programs of another group.
fn is_closed(pid: u32) -> Result<bool> {
    let files = fs::metadata(format!("/proc/{pid}/environ")).context("environ")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("status")?;
    let group = status.lines().find_map(|line| line.strip_prefix("Gid:")).context("the group")?;
    let group: u32 = group.split_whitespace().nth(1).context("effective")?.parse().context("a number")?;
    assert_ne!(group, 0, "the program must run in a group that is not root's for this to tell anything");
    Ok(files.uid() == 0 && files.gid() == 0)
}

fn check(program: &Program) -> Result<()> {
    let (soft, hard) = core_limit(program.pid())?;
    assert_eq!((soft.as_str(), hard.as_str()), ("0", "0"), "{}", program.name());
    assert!(is_closed(program.pid())?, "{} can be looked into", program.name());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn x05_no_core_file_and_no_look_into_the_memory_of_either_program() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let programs = world.programs.clone().in_group(65_534);
    let daemon = programs.serve()?;
    let worker = programs.worker()?;
    daemon.listen(LIMIT).await?;
    worker.listen(LIMIT).await?;
    check(&daemon)?;
    check(&worker)?;
    // The same look sees into a program that is not closed up.
    let open = programs.other("sleep", &["60"])?;
    assert!(!is_closed(open.pid())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_command_writes_are_their_owners_alone() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let dir = world.programs.logs().join(format!("init-{}", std::process::id()));
    world.cli(&["init", &dir.to_string_lossy()]).await?.success()?;
    for file in ["cafe24-sync.toml", "master.key"] {
        let mode = fs::metadata(dir.join(file)).context("a file")?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    fs::remove_dir_all(dir).context("removed")?;
    Ok(())
}
