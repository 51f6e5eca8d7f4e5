//! The master keys: the first seals, all open.
//!
//! Keys from a file are read again when the file has changed, before something is sealed and when a key is missing. So a
//! new key in the first line is used by every process from its next refresh on, without a restart (`docs/reliability.md` X6).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use crate::config::Secret;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The text is no list of keys. Never carries the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// A line is no key.
    #[error("line {0} of the master key is not 32 bytes as 64 hexadecimal digits or 44 characters of base64")]
    Line(usize),
    /// There is no key.
    #[error("the master key is empty: make one with `cafe24-sync init`")]
    Empty,
}

/// A new random key as 44 characters of base64, for the master key file.
pub fn generate_key() -> Secret {
    Secret::new(BASE64.encode(Key::generate()))
}

/// A key with its id.
#[derive(Clone)]
pub(super) struct MasterKey {
    /// 8 hexadecimal digits that tell keys apart, and nothing about them.
    pub(super) id: String,
    pub(super) cipher: XChaCha20Poly1305,
}

/// The keys in force; clones share them.
#[derive(Clone)]
pub(super) struct KeyRing {
    keys: Arc<Mutex<Arc<[MasterKey]>>>,
    file: Option<Arc<KeyFile>>,
}

struct KeyFile {
    path: PathBuf,
    seen: Mutex<Option<(SystemTime, u64)>>,
}

impl KeyRing {
    /// Reads keys: one a line, 64 hexadecimal digits or 44 characters of base64; empty lines and `#` are comments.
    pub(super) fn parse(text: &Secret) -> Result<Self, InvalidKey> {
        Ok(Self { keys: Arc::new(Mutex::new(parse(text)?)), file: None })
    }

    /// The same keys, and from now on those of `path` whenever it changes.
    pub(super) fn following(self, path: PathBuf) -> Self {
        Self { file: Some(Arc::new(KeyFile { path, seen: Mutex::default() })), ..self }
    }

    /// The key that seals now.
    pub(super) fn first(&self) -> MasterKey {
        self.read_again();
        self.now()[0].clone()
    }

    /// The key with this id.
    pub(super) fn find(&self, id: &str) -> Option<MasterKey> {
        let known = |ring: &Self| ring.now().iter().find(|key| key.id == id).cloned();
        known(self).or_else(|| {
            self.read_again();
            known(self)
        })
    }

    /// The ids, in their order.
    pub(super) fn ids(&self) -> Vec<String> {
        self.read_again();
        self.now().iter().map(|key| key.id.clone()).collect()
    }

    fn now(&self) -> Arc<[MasterKey]> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the keys of the file if it has changed. A file that cannot be read or is no list of keys changes nothing.
    fn read_again(&self) {
        let Some(file) = &self.file else { return };
        let stamp = std::fs::metadata(&file.path)
            .and_then(|metadata| Ok((metadata.modified()?, metadata.len())))
            .ok();
        let mut seen = file.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_none() || *seen == stamp {
            return;
        }
        let text = std::fs::read_to_string(&file.path).map(Secret::new);
        match text.map(|text| parse(&text)) {
            Ok(Ok(keys)) => {
                *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
                *seen = stamp;
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the master key file has changed and is no list of keys: the keys of before are used"
                );
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the master key file cannot be read: the keys of before are used"
                );
            }
        }
    }
}

fn parse(text: &Secret) -> Result<Arc<[MasterKey]>, InvalidKey> {
    let lines = text.expose().lines().enumerate();
    let keys = lines
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let bytes = key_bytes(line).ok_or(InvalidKey::Line(number))?;
            let cipher = XChaCha20Poly1305::new(&bytes.into());
            Ok(MasterKey { id: key_id(&cipher), cipher })
        })
        .collect::<Result<Arc<[_]>, _>>()?;
    if keys.is_empty() { Err(InvalidKey::Empty) } else { Ok(keys) }
}

/// The tag over a constant under the all-zero nonce, which no random nonce ever is, cut to 32 bits.
fn key_id(cipher: &XChaCha20Poly1305) -> String {
    let payload = Payload { msg: b"", aad: b"cafe24-sync key id" };
    let tag = cipher.encrypt(&XNonce::default(), payload).unwrap_or_default();
    format!("{:08x}", tag.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)))
}

fn key_bytes(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() == 2 * KEY_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(bytes);
    }
    BASE64.decode(text).ok()?.try_into().ok()
}
