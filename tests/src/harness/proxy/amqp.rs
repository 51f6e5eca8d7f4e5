//! Finds a basic.ack in what a client sends to RabbitMQ.
//!
//! After the 8 bytes of the protocol header, AMQP 0-9-1 is frames: type (1), channel (2), size (4), payload, end
//! (1). A method frame (type 1) starts with class and method: basic.ack is 60, 80.

const HEADER: usize = 8;
const FRAME_HEAD: usize = 7;
const METHOD: u8 = 1;
const BASIC_ACK: [u8; 4] = [0, 60, 0, 80];

/// Follows the frames of one connection over pieces of any size.
#[derive(Debug)]
pub(super) struct AckFinder {
    /// Bytes still to be skipped: the rest of a frame, at first the protocol header.
    skip: usize,
    /// The start of a frame, as far as it is there.
    head: Vec<u8>,
}

impl Default for AckFinder {
    fn default() -> Self {
        Self { skip: HEADER, head: Vec::new() }
    }
}

impl AckFinder {
    /// Where in this piece the frame of a wanted basic.ack starts (0 if it started in an earlier piece).
    /// `wanted` is asked once for each acknowledgement.
    pub(super) fn find(&mut self, piece: &[u8], wanted: impl Fn() -> bool) -> Option<usize> {
        let mut at = 0;
        while at < piece.len() {
            if self.skip > 0 {
                let skipped = self.skip.min(piece.len() - at);
                self.skip -= skipped;
                at += skipped;
                continue;
            }
            let start = at.saturating_sub(self.head.len());
            self.head.push(piece[at]);
            at += 1;
            if self.head.len() < FRAME_HEAD {
                continue;
            }
            let size = u32::from_be_bytes([self.head[3], self.head[4], self.head[5], self.head[6]]) as usize;
            let is_method = self.head[0] == METHOD && size >= BASIC_ACK.len();
            if is_method && self.head.len() < FRAME_HEAD + BASIC_ACK.len() {
                continue;
            }
            let is_ack = is_method && self.head[FRAME_HEAD..] == BASIC_ACK;
            if is_ack && wanted() {
                return Some(start);
            }
            // Payload and end octet, less what was looked at.
            self.skip = size + 1 - (self.head.len() - FRAME_HEAD);
            self.head.clear();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).expect("small");
        [&[kind, 0, 1], &size.to_be_bytes()[..], payload, &[0xCE]].concat()
    }

    fn stream() -> (Vec<u8>, usize) {
        let mut bytes = b"AMQP\0\0\x09\x01".to_vec();
        bytes.extend(frame(1, &[0, 10, 0, 11, 1, 2, 3]));
        bytes.extend(frame(8, &[]));
        // A body that looks like an acknowledgement is none.
        bytes.extend(frame(3, &frame(1, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 9, 0])));
        let start = bytes.len();
        bytes.extend(frame(1, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0]));
        bytes.extend(frame(8, &[]));
        (bytes, start)
    }

    #[test]
    fn an_ack_is_found_wherever_the_pieces_end() {
        let (bytes, start) = stream();
        for size in 1..=bytes.len() {
            let mut finder = AckFinder::default();
            let found = bytes
                .chunks(size)
                .enumerate()
                .find_map(|(piece, chunk)| finder.find(chunk, || true).map(|before| piece * size + before));
            let piece_start = found.expect("an ack");
            assert!((start..start + FRAME_HEAD + 4).contains(&piece_start), "{size}: {piece_start}");
        }
    }

    #[test]
    fn an_unwanted_ack_passes() {
        let (bytes, _) = stream();
        assert_eq!(AckFinder::default().find(&bytes, || false), None);
    }
}
