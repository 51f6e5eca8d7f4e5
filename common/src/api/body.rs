//! Reads a body within a limit that counts after inflating, so that a small bomb cannot fill the memory.

use reqwest::Response;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum BodyFault {
    /// More bytes than allowed; the connection is dropped.
    TooLarge,
    /// It broke off, or could not be inflated.
    Cut(reqwest::Error),
}

/// The whole body, at most `max` bytes. `seen` counts the bytes as they come, also of a body that fails.
pub(super) async fn read_all(response: &mut Response, max: u64, seen: &mut Vec<u8>) -> Result<(), BodyFault> {
    if let Some(announced) = response.content_length() {
        if announced > max {
            return Err(BodyFault::TooLarge);
        }
        // At most a megabyte on the server's mere word.
        seen.reserve(usize::try_from(announced.min(1 << 20)).unwrap_or(0));
    }
    while let Some(chunk) = response.chunk().await.map_err(|error| BodyFault::Cut(error.without_url()))? {
        if (seen.len() + chunk.len()) as u64 > max {
            let room = usize::try_from(max).unwrap_or(usize::MAX).saturating_sub(seen.len());
            seen.extend_from_slice(&chunk[..room.min(chunk.len())]);
            return Err(BodyFault::TooLarge);
        }
        seen.extend_from_slice(&chunk);
    }
    Ok(())
}
