//! Takes HTTP/1.1 message bodies apart as they arrive.

use anyhow::{Context as _, bail};

/// Digits a chunk size may have: 16 hexadecimal digits fill 64 bits.
const CHUNK_SIZE_DIGITS_MAX: u32 = 15;

/// Where in a body the next byte lies.
#[derive(Debug)]
enum Position {
    Length { left: u64 },
    ChunkSize { size: u64, n_digits: u32 },
    ChunkExtension { size: u64 },
    ChunkData { left: u64 },
    ChunkEnd,
    Trailer { line_bytes: u64 },
    UntilClose,
    Done,
}

/// An incremental decoder of one body.
pub(crate) struct BodyDecoder {
    position: Position,
}

impl BodyDecoder {
    /// Reads the framing from the headers; without any, a response lasts until the peer closes.
    ///
    /// # Errors
    /// A content length that is not a number.
    pub(crate) fn of_response(headers: &[httparse::Header<'_>]) -> anyhow::Result<Self> {
        Self::framed(headers, Position::UntilClose)
    }

    /// Reads the framing from the headers; without any, a request has no body.
    ///
    /// # Errors
    /// A content length that is not a number.
    pub(crate) fn of_request(headers: &[httparse::Header<'_>]) -> anyhow::Result<Self> {
        Self::framed(headers, Position::Done)
    }

    fn framed(headers: &[httparse::Header<'_>], otherwise: Position) -> anyhow::Result<Self> {
        let mut position = otherwise;
        for header in headers {
            if header.name.eq_ignore_ascii_case("transfer-encoding") {
                let (size, n_digits) = (0, 0);
                position = Position::ChunkSize { size, n_digits };
                break;
            }
            if header.name.eq_ignore_ascii_case("content-length") {
                let text = std::str::from_utf8(header.value).context("reading a content length")?;
                let left = text.trim().parse().context("reading a content length")?;
                position = length(left);
            }
        }
        Ok(Self { position })
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.position, Position::Done)
    }

    /// Appends the body bytes of `input` to `out`; returns how many bytes of `input` were used.
    ///
    /// # Errors
    /// A chunk size that is not one.
    pub(crate) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> anyhow::Result<usize> {
        let mut rest = input;
        while let Some((&byte, tail)) = rest.split_first() {
            match &mut self.position {
                Position::Done => break,
                Position::UntilClose => {
                    out.extend_from_slice(rest);
                    rest = &[];
                }
                Position::Length { left } => {
                    rest = take(rest, left, out);
                    if *left == 0 {
                        self.position = Position::Done;
                    }
                }
                Position::ChunkData { left } => {
                    rest = take(rest, left, out);
                    if *left == 0 {
                        self.position = Position::ChunkEnd;
                    }
                }
                _ => {
                    self.framing_byte(byte)?;
                    rest = tail;
                }
            }
        }
        Ok(input.len() - rest.len())
    }

    fn framing_byte(&mut self, byte: u8) -> anyhow::Result<()> {
        match (&mut self.position, byte) {
            (Position::ChunkSize { size, n_digits }, _) if byte.is_ascii_hexdigit() => {
                if *n_digits == CHUNK_SIZE_DIGITS_MAX {
                    bail!("a chunk size is too long");
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                *size = *size * 16 + u64::from(digit);
                *n_digits += 1;
            }
            (Position::ChunkSize { n_digits: 0, .. }, _) => bail!("a chunk size is missing"),
            (Position::ChunkSize { size, .. } | Position::ChunkExtension { size }, b'\n') => {
                self.position = chunk(*size);
            }
            (Position::ChunkSize { size, .. }, _) => {
                self.position = Position::ChunkExtension { size: *size };
            }
            (Position::ChunkEnd, b'\n') => {
                let (size, n_digits) = (0, 0);
                self.position = Position::ChunkSize { size, n_digits };
            }
            (Position::Trailer { line_bytes: 0 }, b'\n') => self.position = Position::Done,
            (Position::Trailer { line_bytes }, b'\n') => *line_bytes = 0,
            (Position::Trailer { line_bytes }, _) if byte != b'\r' => *line_bytes += 1,
            _ => {}
        }
        Ok(())
    }
}

fn length(left: u64) -> Position {
    if left == 0 {
        Position::Done
    } else {
        Position::Length { left }
    }
}

fn chunk(size: u64) -> Position {
    if size == 0 {
        Position::Trailer { line_bytes: 0 }
    } else {
        Position::ChunkData { left: size }
    }
}

/// Moves up to `left` bytes to `out` and returns what remains of `input`.
fn take<'a>(input: &'a [u8], left: &mut u64, out: &mut Vec<u8>) -> &'a [u8] {
    let n_bytes = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
    let (data, rest) = input.split_at_checked(n_bytes).unwrap_or((input, &[]));
    out.extend_from_slice(data);
    *left -= u64::try_from(data.len()).unwrap_or(*left);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"5\r\nhello\r\n6;x=1\r\n world\r\n0\r\nX-T: 1\r\n\r\nNEXT";

    fn header(name: &'static str, value: &'static [u8]) -> httparse::Header<'static> {
        httparse::Header { name, value }
    }

    #[test]
    fn a_chunked_body_split_at_every_byte() {
        for split in 0..CHUNKED.len() {
            let headers = [header("Transfer-Encoding", b"chunked")];
            let mut decoder = BodyDecoder::of_response(&headers).unwrap();
            let mut out = Vec::new();
            let (first, second) = CHUNKED.split_at(split);
            let mut used = decoder.feed(first, &mut out).unwrap();
            used += decoder.feed(second, &mut out).unwrap();
            assert_eq!(out, b"hello world", "split at {split}");
            assert!(decoder.is_done());
            assert_eq!(&CHUNKED[used..], b"NEXT");
        }
    }

    #[test]
    fn a_length_ends_the_body() {
        let mut decoder = BodyDecoder::of_request(&[header("content-length", b"3")]).unwrap();
        let mut out = Vec::new();
        assert_eq!(decoder.feed(b"abcd", &mut out).unwrap(), 3);
        assert_eq!(out, b"abc");
        assert!(decoder.is_done());
    }

    #[test]
    fn garbage_is_refused() {
        let chunked = [header("transfer-encoding", b"chunked")];
        let mut decoder = BodyDecoder::of_response(&chunked).unwrap();
        assert!(decoder.feed(b"zz\r\n", &mut Vec::new()).is_err());
        let mut decoder = BodyDecoder::of_response(&chunked).unwrap();
        assert!(
            decoder
                .feed(b"11111111111111111\r\n", &mut Vec::new())
                .is_err()
        );
        assert!(BodyDecoder::of_response(&[header("content-length", b"-1")]).is_err());
    }
}
