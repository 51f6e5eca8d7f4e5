//! Files that hold one secret or URL.

use std::path::Path;

use crate::config::value::show_size;

/// A secret or URL is longer than this only by mistake.
const SECRET_FILE_MAX: u64 = 64 << 10;

/// Who may read the file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    /// A group; how a container platform hands out its secrets.
    Group,
    Everybody,
}

/// The file's text without the line end, who may read it, and its mode.
pub(super) fn read(path: &Path) -> Result<(String, Readers, u32), String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if metadata.len() > SECRET_FILE_MAX {
        return Err(format!("{shown} is longer than {}", show_size(SECRET_FILE_MAX)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    let mode = mode(&metadata);
    let readers = match mode {
        mode if mode & 0o007 != 0 => Readers::Everybody,
        mode if mode & 0o070 != 0 => Readers::Group,
        _ => Readers::Owner,
    };
    Ok((text, readers, mode))
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0o600
}
