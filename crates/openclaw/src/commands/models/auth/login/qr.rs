//! An address as a picture of half-block characters, for a phone's camera.

use anstyle::{AnsiColor, Style};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The longest address that still fits an ordinary window, in bytes.
const ADDRESS_BYTES_MAX: usize = 250;

/// Dark on light, whatever the terminal's own colours are.
const PAPER: Style = AnsiColor::Black
    .on_default()
    .bg_color(Some(anstyle::Color::Ansi(AnsiColor::BrightWhite)));

/// Returns the lines of the picture; none for an address that is too long.
///
/// Without colours the light parts are drawn, which suits the usual dark window.
pub(super) fn lines(address: &str, has_colour: bool) -> Option<Vec<String>> {
    if address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let code = QrCode::with_error_correction_level(address, EcLevel::L).ok()?;
    let mut renderer = code.render::<Dense1x2>();
    if !has_colour {
        renderer
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark);
    }
    let picture = renderer.build();
    let line = |text: &str| {
        if has_colour {
            format!("{PAPER}{text}{PAPER:#}")
        } else {
            text.to_owned()
        }
    };
    Some(picture.lines().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://chat.qwen.ai/authorize?user_code=ABCD-EFGH&client=qwen-code";

    #[test]
    fn the_picture_is_small_and_even() {
        let picture = lines(ADDRESS, false).unwrap();
        let widths: Vec<usize> = picture.iter().map(|line| line.chars().count()).collect();
        assert!(
            widths
                .iter()
                .all(|width| *width == widths[0] && *width < 60)
        );
        assert!(picture.len() < 30, "{}", picture.len());
        // The quiet zone is light, and light is what is drawn.
        assert!(picture[0].chars().all(|c| c == '█'), "{}", picture[0]);
    }

    #[test]
    fn with_colours_the_dark_parts_are_drawn() {
        let picture = lines(ADDRESS, true).unwrap();
        assert!(picture[0].contains("\u{1b}["), "{}", picture[0]);
        assert!(!picture[0].contains('█'), "{}", picture[0]);
    }

    #[test]
    fn a_long_address_has_no_picture() {
        assert!(lines(&"x".repeat(ADDRESS_BYTES_MAX + 1), false).is_none());
    }
}
