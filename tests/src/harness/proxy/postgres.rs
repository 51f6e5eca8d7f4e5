//! Finds a COMMIT in what a client sends to Postgres.
//!
//! After the start-up message, the protocol is messages: type (1), length (4, itself included), payload. A
//! COMMIT comes as a simple query (`Q`) or, prepared, as `P` with the text. Programs that prepare it once and
//! then only bind it by name are followed by the name.

const COMMIT: &[u8] = b"commit";
/// Payload looked at: name and the first words. A COMMIT is short.
const LOOK: usize = 256;

/// CommandComplete of a COMMIT: type, length, tag.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// Whether the server says, somewhere in these bytes, that it has committed.
pub(super) fn committed(answer: &[u8]) -> bool {
    answer.windows(COMMITTED.len()).any(|window| window == COMMITTED)
}

/// Follows the messages of one connection over pieces of any size.
#[derive(Debug, Default)]
pub(super) struct CommitFinder {
    started: bool,
    /// Type, length, and the payload's start, as far as they are there.
    head: Vec<u8>,
    /// Payload of this message still to come.
    left: usize,
    /// Names of prepared COMMITs.
    prepared: Vec<Vec<u8>>,
}

impl CommitFinder {
    /// Whether a wanted COMMIT ends in this piece. `wanted` is asked once for each COMMIT.
    pub(super) fn find(&mut self, piece: &[u8], wanted: impl Fn() -> bool) -> bool {
        let mut found = false;
        for byte in piece {
            if self.take(*byte) {
                found |= self.is_commit() && wanted();
                self.head.clear();
            }
        }
        found
    }

    /// Takes a byte; `true` at the end of a message.
    fn take(&mut self, byte: u8) -> bool {
        // The start-up message has no type; neither has the wish for TLS before it, which our programs do not send
        // to a server on the loopback.
        if !self.started && self.head.is_empty() {
            self.head.push(0);
        }
        if self.head.len() < 5 {
            self.head.push(byte);
            if self.head.len() == 5 {
                let length = u32::from_be_bytes([self.head[1], self.head[2], self.head[3], self.head[4]]);
                self.left = (length as usize).saturating_sub(4);
                self.started = true;
                return self.left == 0;
            }
            return false;
        }
        if self.head.len() < 5 + LOOK {
            self.head.push(byte);
        }
        self.left -= 1;
        self.left == 0
    }

    fn is_commit(&mut self) -> bool {
        let payload = &self.head[5..];
        let mut fields = payload.split(|byte| *byte == 0);
        let first = fields.next().unwrap_or_default();
        let second = fields.next().unwrap_or_default();
        match self.head[0] {
            b'Q' => says_commit(first),
            b'P' if says_commit(second) => {
                // The unnamed statement is bound right after; a named one whenever.
                self.prepared.push(first.to_vec());
                false
            }
            b'P' => {
                let name = first.to_vec();
                self.prepared.retain(|known| *known != name);
                false
            }
            // Portal, then statement.
            b'B' => self.prepared.iter().any(|name| name == second),
            _ => false,
        }
    }
}

/// `COMMIT`, `commit;`, `COMMIT AND CHAIN`, also as the last of several statements.
fn says_commit(text: &[u8]) -> bool {
    let text = text.to_ascii_lowercase();
    text.split(|byte| *byte == b';').any(|statement| statement.trim_ascii().starts_with(COMMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + 4).expect("small");
        [&[kind], &length.to_be_bytes()[..], payload].concat()
    }

    fn start_up() -> Vec<u8> {
        message(0, b"\0\x03\0\0user\0commit\0\0")[1..].to_vec()
    }

    fn count(bytes: &[u8], size: usize) -> usize {
        let mut finder = CommitFinder::default();
        bytes.chunks(size).filter(|piece| finder.find(piece, || true)).count()
    }

    #[test]
    fn a_simple_commit_is_found_wherever_the_pieces_end() {
        let bytes = [
            start_up(),
            message(b'Q', b"BEGIN\0"),
            message(b'Q', b"INSERT INTO t VALUES ('commit')\0"),
            message(b'Q', b"COMMIT\0"),
            message(b'X', b""),
        ]
        .concat();
        for size in 1..=bytes.len() {
            assert_eq!(count(&bytes, size), 1, "{size}");
        }
    }

    #[test]
    fn a_prepared_commit_is_found_each_time_it_is_bound() {
        let bytes = [
            start_up(),
            message(b'P', b"s1\0COMMIT\0\0\0"),
            message(b'B', b"\0s1\0\0\0\0\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'B', b"\0s2\0\0\0\0\0\0\0"),
            message(b'B', b"\0s1\0\0\0\0\0\0\0"),
        ]
        .concat();
        assert_eq!(count(&bytes, 1), 2);
    }
}
