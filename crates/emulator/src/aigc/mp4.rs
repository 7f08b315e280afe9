//! Makes a small, valid MP4: H.264 pictures without compression (`I_PCM`), coloured by a seed.
//!
//! Container: ISO/IEC 14496-12 and -15. Pictures: ITU-T H.264, baseline profile, every picture an IDR picture.

/// Width and height of the pictures, in macroblocks of 16 x 16 pixels.
const MACROBLOCKS: (u32, u32) = (4, 3);

/// Pictures of a file, each shown for an equal part of the duration.
const PICTURES: u32 = 3;

/// Time units per second in the container.
const TIMESCALE: u32 = 1000;

/// Returns a file of `duration_ms` whose pictures follow from `seed`.
pub(super) fn video(duration_ms: u32, seed: u64) -> Vec<u8> {
    let pictures: Vec<Vec<u8>> = (0..PICTURES).map(|number| picture(number, seed)).collect();
    let sizes: Vec<u32> = pictures.iter().map(|picture| length(picture)).collect();
    let mut file = boxed(*b"ftyp", &[b"isom", &[0, 0, 2, 0], b"isomiso2avc1mp41"]);
    // The offset of the pictures depends on the length of what describes them, which does not depend on the offset.
    let head_bytes = length(&file) + length(&movie(duration_ms, &sizes, 0)) + 8;
    file.extend(movie(duration_ms, &sizes, head_bytes));
    let parts: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
    file.extend(boxed(*b"mdat", &parts));
    file
}

fn movie(duration_ms: u32, sizes: &[u32], first_offset: u32) -> Vec<u8> {
    let (width, height) = (MACROBLOCKS.0 * 16, MACROBLOCKS.1 * 16);
    let unity = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let header = words(&[0, 0, 0, TIMESCALE, duration_ms, 0x1_0000, 0x0100_0000, 0, 0]);
    let mvhd = boxed(*b"mvhd", &[&header, &unity, &words(&[0; 6]), &words(&[2])]);
    let tkhd = boxed(
        *b"tkhd",
        &[
            &words(&[7, 0, 0, 1, 0, duration_ms, 0, 0, 0, 0]),
            &unity,
            &words(&[width << 16, height << 16]),
        ],
    );
    let mdhd = boxed(
        *b"mdhd",
        &[&words(&[0, 0, 0, TIMESCALE, duration_ms, 0x55C4_0000])],
    );
    let hdlr = boxed(
        *b"hdlr",
        &[&words(&[0, 0]), b"vide", &words(&[0, 0, 0]), b"emulator\0"],
    );
    let url = boxed(*b"url ", &[&words(&[1])]);
    let dref = boxed(*b"dref", &[&words(&[0, 1]), &url]);
    let minf = boxed(
        *b"minf",
        &[
            &boxed(*b"vmhd", &[&words(&[1, 0, 0])]),
            &boxed(*b"dinf", &[&dref]),
            &sample_table(duration_ms, sizes, first_offset, (width, height)),
        ],
    );
    let mdia = boxed(*b"mdia", &[&mdhd, &hdlr, &minf]);
    boxed(*b"moov", &[&mvhd, &boxed(*b"trak", &[&tkhd, &mdia])])
}

fn sample_table(
    duration_ms: u32,
    sizes: &[u32],
    offset: u32,
    (width, height): (u32, u32),
) -> Vec<u8> {
    let (sequence, parameters) = (sequence_set(), picture_set());
    let avcc = boxed(
        *b"avcC",
        &[
            &[1, 66, 0xC0, 10, 0xFF, 0xE1],
            &half(length(&sequence)),
            &sequence,
            &[1],
            &half(length(&parameters)),
            &parameters,
        ],
    );
    let entry = boxed(
        *b"avc1",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 16],
            &half(width),
            &half(height),
            &words(&[0x48_0000, 0x48_0000, 0]),
            &half(1),
            &[0; 32],
            &half(24),
            &[0xFF, 0xFF],
            &avcc,
        ],
    );
    let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    let (each, rest) = (duration_ms / PICTURES, duration_ms % PICTURES);
    let times = words(&[0, 2, count - 1, each, 1, each + rest]);
    let mut size_words = vec![0, 0, count];
    size_words.extend(sizes);
    boxed(
        *b"stbl",
        &[
            &boxed(*b"stsd", &[&words(&[0, 1]), &entry]),
            &boxed(*b"stts", &[&times]),
            &boxed(*b"stsc", &[&words(&[0, 1, 1, count, 1])]),
            &boxed(*b"stsz", &[&words(&size_words)]),
            &boxed(*b"stco", &[&words(&[0, 1, offset])]),
        ],
    )
}

/// Returns one picture as the container holds it: its length, then the coded slice.
fn picture(number: u32, seed: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    // First macroblock 0, slice type I, parameter set 0, frame number 0.
    bits.golomb(0);
    bits.golomb(7);
    bits.golomb(0);
    bits.put(0, 4);
    // Neighbouring IDR pictures must carry different ids.
    bits.golomb(number % 2);
    bits.put(0, 2);
    bits.golomb(0);
    for block in 0..MACROBLOCKS.0 * MACROBLOCKS.1 {
        // 25 is I_PCM: samples follow, byte aligned.
        bits.golomb(25);
        bits.align();
        for plane in [256_u32, 64, 64] {
            let level = shade(seed, number, block, plane);
            bits.bytes.extend((0..plane).map(|_| level));
        }
    }
    bits.put(1, 1);
    bits.align();
    let mut unit = vec![0x65];
    unit.extend(bits.bytes);
    let mut framed = length(&unit).to_be_bytes().to_vec();
    framed.extend(unit);
    framed
}

/// Returns a sample value; never so small that it could look like a start code.
fn shade(seed: u64, number: u32, block: u32, plane: u32) -> u8 {
    let mixed = (seed ^ (u64::from(number) << 40) ^ (u64::from(block) << 20) ^ u64::from(plane))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let [first, ..] = mixed.to_be_bytes();
    first % 200 + 30
}

fn sequence_set() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.golomb(0); // id
    bits.golomb(0); // frame numbers have 4 bits
    bits.golomb(2); // output order is decoding order
    bits.golomb(0); // no reference frames
    bits.put(0, 1);
    bits.golomb(MACROBLOCKS.0 - 1);
    bits.golomb(MACROBLOCKS.1 - 1);
    bits.put(0b1100, 4); // frames only, direct 8x8, no cropping, no VUI
    bits.put(1, 1);
    bits.align();
    let mut unit = vec![0x67, 66, 0xC0, 10];
    unit.extend(bits.bytes);
    unit
}

fn picture_set() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.golomb(0);
    bits.golomb(0);
    bits.put(0, 2); // CAVLC, no field order
    bits.golomb(0); // one slice group
    bits.golomb(0);
    bits.golomb(0);
    bits.put(0, 3); // no weighted prediction
    bits.golomb(0);
    bits.golomb(0);
    bits.golomb(0);
    bits.put(0, 3); // no deblocking control
    bits.put(1, 1);
    bits.align();
    let mut unit = vec![0x68];
    unit.extend(bits.bytes);
    unit
}

/// Bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    free: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let (1, Some(last)) = (value >> at & 1, self.bytes.last_mut()) {
                *last |= 1 << self.free;
            }
        }
    }

    /// An unsigned Exp-Golomb code (H.264, 9.1).
    fn golomb(&mut self, value: u32) {
        let code = value + 1;
        let width = 32 - code.leading_zeros();
        self.put(0, width - 1);
        self.put(code, width);
    }

    fn align(&mut self) {
        self.free = 0;
    }
}

fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body_bytes: usize = parts.iter().map(|part| part.len()).sum();
    let mut whole = u32::try_from(body_bytes + 8)
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    whole.extend(name);
    for part in parts {
        whole.extend_from_slice(part);
    }
    whole
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn half(value: u32) -> [u8; 2] {
    let [_, _, high, low] = value.to_be_bytes();
    [high, low]
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the boxes in `bytes`, checking that lengths add up.
    fn names(mut bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        while !bytes.is_empty() {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            names.push(String::from_utf8(bytes[4..8].to_vec()).unwrap());
            bytes = &bytes[size..];
        }
        names
    }

    #[test]
    fn boxes_add_up_and_the_pictures_are_where_the_table_says() {
        let file = video(5000, 7);
        assert_eq!(names(&file), ["ftyp", "moov", "mdat"]);
        let stco = file.windows(4).position(|at| at == b"stco").unwrap();
        let offset = u32::from_be_bytes(file[stco + 12..stco + 16].try_into().unwrap()) as usize;
        assert_eq!(&file[offset - 4..offset], b"mdat");
        // One luma and two chroma planes per macroblock.
        let picture_bytes = u32::from_be_bytes(file[offset..offset + 4].try_into().unwrap());
        assert!(
            (12 * 384..12 * 390).contains(&picture_bytes),
            "{picture_bytes}"
        );
        assert_eq!(file[offset + 4], 0x65);
    }

    #[test]
    fn differs_by_seed_only() {
        assert_eq!(video(5000, 1), video(5000, 1));
        assert_ne!(video(5000, 1), video(5000, 2));
    }
}
