//! Makes small valid PNG files (RFC 2083): a colour ramp that depends on a seed.

/// Sides are this much shorter than those asked for, so that files stay small.
const SCALE: u64 = 16;

/// Most bytes of one stored block of deflate (RFC 1951, 3.2.4).
const BLOCK_BYTES_MAX: usize = 65_535;

/// Returns a picture in the shape of `width` to `height`.
pub(crate) fn picture(width: u64, height: u64, seed: u64) -> Vec<u8> {
    let side = |pixels: u64| u32::try_from((pixels / SCALE).clamp(1, 512)).unwrap_or(1);
    let (width, height) = (side(width), side(height));
    let [red, green, blue, ..] = seed.to_be_bytes();
    let mut lines = Vec::new();
    for y in 0..height {
        // Each line begins with its filter: none.
        lines.push(0);
        for x in 0..width {
            let shade = |base: u8, at: u32| {
                let [.., low] = at.to_be_bytes();
                base.wrapping_add(low)
            };
            lines.extend([shade(red, x), shade(green, y), shade(blue, x + y)]);
        }
    }
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits of red, green and blue; no interlace.
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &stored(&lines));
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    file.extend(length.to_be_bytes());
    let checked = [&name[..], data].concat();
    file.extend(&checked);
    file.extend(crc32(&checked).to_be_bytes());
}

/// Wraps data as zlib does (RFC 1950), uncompressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(BLOCK_BYTES_MAX).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    };
    !data.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn pictures_have_the_shape_asked_for_and_differ_by_seed() {
        let file = picture(1024, 512, 7);
        assert_eq!(file[16..24], [0, 0, 0, 64, 0, 0, 0, 32]);
        assert!(file.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_ne!(file, picture(1024, 512, 7 << 56));
    }
}
