//! The framing of an HTTP/1.1 answer's body.

use crate::Error;

/// What is left of a body.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes.
    Length(usize),
    /// Chunks.
    Chunked(Chunk),
}

/// Where in a chunked body the reader is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chunk {
    /// In a size, read so far.
    Size(usize),
    /// In the rest of a size's line.
    Line(usize),
    /// In content, with so much of it left.
    Content(usize),
    /// In the two bytes behind a chunk.
    Gap(usize),
    /// In what follows the last chunk, with so many bytes left of an empty line.
    Trailer(usize),
}

impl Body {
    pub(super) fn announced_by(head: &[u8]) -> Result<Self, Error> {
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(format!("the server answered {head}").into());
        }
        match head.split("content-length:").nth(1).and_then(|rest| rest.lines().next()) {
            Some(length) => Ok(Body::Length(length.trim().parse()?)),
            None => Ok(Body::Chunked(Chunk::Size(0))),
        }
    }

    /// Takes bytes off the wire and passes content on. `true`: the body is complete.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<bool, Error> {
        match self {
            Body::Length(left) => {
                content(bytes);
                *left = left.saturating_sub(bytes.len());
                Ok(*left == 0)
            }
            Body::Chunked(chunk) => {
                while let Some((&byte, rest)) = bytes.split_first() {
                    *chunk = match *chunk {
                        Chunk::Content(left) => {
                            let (text, rest) = bytes.split_at(left.min(bytes.len()));
                            content(text);
                            bytes = rest;
                            *chunk = if left == text.len() {
                                Chunk::Gap(2)
                            } else {
                                Chunk::Content(left - text.len())
                            };
                            continue;
                        }
                        Chunk::Size(size) => match (byte as char).to_digit(16) {
                            Some(digit) => Chunk::Size(size * 16 + digit as usize),
                            None if byte == b'\n' => begin(size),
                            None => Chunk::Line(size),
                        },
                        Chunk::Line(size) if byte == b'\n' => begin(size),
                        Chunk::Gap(1) => Chunk::Size(0),
                        Chunk::Gap(left) => Chunk::Gap(left - 1),
                        Chunk::Trailer(1) => return Ok(true),
                        Chunk::Trailer(left) => Chunk::Trailer(left - 1),
                        line @ Chunk::Line(_) => line,
                    };
                    bytes = rest;
                }
                Ok(false)
            }
        }
    }
}

/// The last chunk is empty, and an empty line follows it.
fn begin(size: usize) -> Chunk {
    if size == 0 { Chunk::Trailer(2) } else { Chunk::Content(size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_read_however_it_is_cut() {
        let wire = b"5;x=y\r\nhello\r\n11\r\n, world and more!\r\n0\r\n\r\n";
        for cut in 1..wire.len() {
            let mut body =
                Body::announced_by(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
            let mut text = Vec::new();
            let (first, second) = wire.split_at(cut);
            assert!(!body.take(first, |part| text.extend_from_slice(part)).unwrap(), "{cut}");
            assert!(body.take(second, |part| text.extend_from_slice(part)).unwrap(), "{cut}");
            assert_eq!(text, b"hello, world and more!", "{cut}");
        }
    }
}
