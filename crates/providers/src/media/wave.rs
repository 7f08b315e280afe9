//! WAV files as far as joining several needs it: find the samples, write a header for all of them.

use bytes::Bytes;

/// Joins sounds of one format; none when one of them is not what it should be.
pub(super) fn joined(format: &str, sounds: Vec<Bytes>) -> Option<Bytes> {
    let mut sounds = sounds.into_iter();
    let first = sounds.next()?;
    let others: Vec<Bytes> = sounds.collect();
    match format {
        "wav" if others.is_empty() => Some(first),
        "wav" => {
            let (head, samples) = parts(&first)?;
            let mut all = samples.to_vec();
            for other in &others {
                let (other_head, samples) = parts(other)?;
                if other_head != head {
                    return None;
                }
                all.extend_from_slice(samples);
            }
            Some(whole(head, &all))
        }
        // Samples follow each other; the service may send them in a file all the same.
        "pcm" => {
            let samples = std::iter::once(&first).chain(&others);
            let samples = samples.map(|sound| parts(sound).map_or(&sound[..], |(_, data)| data));
            Some(Bytes::from(samples.collect::<Vec<_>>().concat()))
        }
        // Frames of the other formats follow each other.
        _ => Some(Bytes::from([vec![first], others].concat().concat())),
    }
}

/// Returns what describes the samples, and the samples. A length that a stream left open reaches to the end.
fn parts(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = file
        .strip_prefix(b"RIFF")?
        .get(4..)?
        .strip_prefix(b"WAVE")?;
    let mut format = None;
    loop {
        let (name, tail) = rest.split_first_chunk::<4>()?;
        let (length, tail) = tail.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if name == b"data" {
            return Some((format?, tail.get(..length).unwrap_or(tail)));
        }
        if name == b"fmt " {
            format = tail.get(..length);
        }
        rest = tail.get(length + length % 2..)?;
    }
}

fn whole(format: &[u8], samples: &[u8]) -> Bytes {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let body = [
        b"WAVEfmt ",
        &length(format.len())[..],
        format,
        b"data",
        &length(samples.len()),
        samples,
    ]
    .concat();
    Bytes::from([b"RIFF", &length(body.len())[..], &body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &[u8] = &[1, 0, 1, 0, 0xc0, 0x5d, 0, 0, 0x80, 0xbb, 0, 0, 2, 0, 16, 0];

    #[test]
    fn samples_of_several_files_follow_each_other() {
        let one = whole(FORMAT, &[1, 2]);
        let two = Bytes::from(
            [
                &b"RIFF\0\0\0\0WAVELIST\x01\0\0\0x\0"[..],
                &whole(FORMAT, &[3, 4])[12..],
            ]
            .concat(),
        );
        let all = joined("wav", vec![one.clone(), two.clone()]).unwrap();
        assert_eq!(parts(&all), Some((FORMAT, &[1, 2, 3, 4][..])));
        assert_eq!(
            joined("pcm", vec![one.clone(), two]).unwrap(),
            &[1, 2, 3, 4][..]
        );
        let other = whole(&[0; 16], &[3]);
        assert_eq!(joined("wav", vec![one, other]), None);
        assert_eq!(
            joined(
                "wav",
                vec![Bytes::from_static(b"x"), Bytes::from_static(b"y")]
            ),
            None
        );
        assert_eq!(
            joined(
                "mp3",
                vec![Bytes::from_static(b"x"), Bytes::from_static(b"y")]
            )
            .unwrap(),
            "xy"
        );
        assert_eq!(joined("wav", Vec::new()), None);
    }
}
