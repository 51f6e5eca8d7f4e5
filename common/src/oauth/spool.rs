//! A pair that could not be stored before the process had to end: sealed into a file that the next start takes up.
//!
//! Postgres is away and somebody sends SIGTERM: the old pair is dead already, the new one is in memory only. Without this, the
//! mall's operator would have to consent again (`docs/reliability.md` O3).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::seal::{Place, SealError, Sealed, Sealer};
use super::token::TokenPair;
use crate::domain::ids::MallId;

/// How the files end.
const ENDING: &str = "tokens";
/// A real file has about 800 bytes.
const FILE_MAX: u64 = 64 << 10;

/// The directory of such files.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
    sealer: Arc<Sealer>,
}

/// A pair that waits to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The mall.
    pub mall: MallId,
    /// Its agency.
    pub agency: String,
    /// The version that the pair replaces.
    pub used: i64,
    /// The pair.
    pub pair: TokenPair,
}

/// A file of the spool cannot be taken up. It is left where it is.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// Its content is not ours.
    #[error("is no file of this program")]
    Form,
    /// It does not open.
    #[error("cannot be opened")]
    Seal(#[source] SealError),
}

/// A file as it stands on disk.
#[derive(Serialize, Deserialize)]
struct Content {
    mall: MallId,
    agency: String,
    used: i64,
    sealed: Sealed,
}

impl Spool {
    /// A spool in `dir`, which is made when it is needed first.
    pub fn new(dir: PathBuf, sealer: Arc<Sealer>) -> Self {
        Self { dir, sealer }
    }

    /// Writes `waiting` for the owner's eyes only, sealed, and on disk when it returns.
    pub fn write(&self, waiting: &Waiting) -> io::Result<PathBuf> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let place = Place::Spool { agency: &waiting.agency, mall: &waiting.mall, used: waiting.used };
        let content = Content {
            mall: waiting.mall.clone(),
            agency: waiting.agency.clone(),
            used: waiting.used,
            sealed: self.sealer.seal(&waiting.pair, place),
        };
        let text = serde_json::to_vec(&content).map_err(io::Error::from)?;
        let name = format!("{}.{}.{}", waiting.mall, waiting.used, uuid::Uuid::new_v4().simple());
        let (draft, path) = (self.dir.join(&name), self.dir.join(format!("{name}.{ENDING}")));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&self.dir)?.sync_all()?;
        Ok(path)
    }

    /// The files that wait. A directory that is not there has none.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        files.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        files.sort();
        Ok(files)
    }

    /// Opens one of them.
    pub fn read(&self, path: &Path) -> Result<Waiting, SpoolError> {
        let Content { mall, agency, used, sealed } = content(path)?;
        let place = Place::Spool { agency: &agency, mall: &mall, used };
        let pair = self.sealer.open(&sealed, place).map_err(SpoolError::Seal)?;
        Ok(Waiting { mall, agency, used, pair })
    }

    /// How many pairs wait that each key has sealed, by key id.
    pub fn keys(&self) -> io::Result<BTreeMap<String, i64>> {
        let mut keys = BTreeMap::new();
        for path in self.files()? {
            match content(&path) {
                Ok(content) => *keys.entry(content.sealed.kid).or_default() += 1,
                // Taken up between the two looks.
                Err(SpoolError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(SpoolError::Read(error)) => return Err(error),
                // None of ours, so no key of ours is needed for it.
                Err(SpoolError::Form | SpoolError::Seal(_)) => {}
            }
        }
        Ok(keys)
    }
}

fn content(path: &Path) -> Result<Content, SpoolError> {
    let size = fs::metadata(path).map_err(SpoolError::Read)?.len();
    if size > FILE_MAX {
        return Err(SpoolError::Form);
    }
    let text = fs::read(path).map_err(SpoolError::Read)?;
    serde_json::from_slice(&text).map_err(|_| SpoolError::Form)
}
