//! Reads a body within a limit that counts after inflating, so that a small bomb cannot fill the memory.

use reqwest::Response;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A body beyond this many bytes is large; only [`LARGE_AT_ONCE`] of them are read and decoded at a time, so that the
/// memory for bodies is bounded by `slots × 4 MiB + 2 × body_max`, however many malls answer at once (`docs/reliability.md` I8).
const LARGE: u64 = 4 << 20;
/// Large bodies in memory at once.
pub(super) const LARGE_AT_ONCE: usize = 2;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum BodyFault {
    /// More bytes than allowed; the connection is dropped.
    TooLarge,
    /// It broke off, or could not be inflated.
    Cut(reqwest::Error),
}

/// The whole body, at most `max` bytes. `seen` counts the bytes as they come, also of a body that fails.
///
/// Returns the place that a large body has taken in `large`; hold it until the body is gone.
pub(super) async fn read_all<'a>(
    response: &mut Response,
    max: u64,
    seen: &mut Vec<u8>,
    large: &'a Semaphore,
) -> Result<Option<SemaphorePermit<'a>>, BodyFault> {
    if let Some(announced) = response.content_length() {
        if announced > max {
            return Err(BodyFault::TooLarge);
        }
        // At most a megabyte on the server's mere word.
        seen.reserve(usize::try_from(announced.min(1 << 20)).unwrap_or(0));
    }
    let mut place = None;
    while let Some(chunk) = response.chunk().await.map_err(|error| BodyFault::Cut(error.without_url()))? {
        let length = (seen.len() + chunk.len()) as u64;
        if length > max {
            let room = usize::try_from(max).unwrap_or(usize::MAX).saturating_sub(seen.len());
            seen.extend_from_slice(&chunk[..room.min(chunk.len())]);
            return Err(BodyFault::TooLarge);
        }
        if length > LARGE && place.is_none() {
            // The semaphore is never closed, so there is always an answer.
            place = large.acquire().await.ok();
        }
        seen.extend_from_slice(&chunk);
    }
    Ok(place)
}
