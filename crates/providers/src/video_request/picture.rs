//! Size, resolution and ratio: three spellings of one wish, of which a model takes one.

use serde_json::json;

use super::{Builder, PictureForm, VideoLimit, VideoSize, nearest_size};

/// What was wished for, in one spelling.
#[derive(Default)]
struct Wished {
    tier: Option<String>,
    ratio: Option<String>,
}

impl Builder<'_> {
    /// Puts the size into the model's form; returns its pixels when they are known.
    pub(super) fn picture(&mut self) -> Result<Option<String>, VideoLimit> {
        let sizes = self.model.sizes.as_slice();
        let asked = self.wish.size.is_some()
            || self.wish.resolution.is_some()
            || self.wish.aspect_ratio.is_some();
        let wished = self.wished(sizes)?;
        let form = self.model.picture;
        if form == PictureForm::Resolution {
            self.shape_is_that_of_the_image();
        }
        let tier = wished
            .tier
            .clone()
            .unwrap_or_else(|| self.model.default_tier.clone());
        let ratio = wished.ratio.clone().unwrap_or_else(|| "16:9".to_owned());
        let found = sizes.iter().find(|size| {
            size.tier == tier && (form == PictureForm::Resolution || size.ratio == ratio)
        });
        let pixels = found.map(|size| size.pixels.clone());
        if !asked {
            return Ok(pixels.filter(|_| form != PictureForm::Resolution));
        }
        match form {
            PictureForm::Size => self.send_size(pixels.as_deref().unwrap_or_default()),
            PictureForm::Resolution => {
                if wished.tier.is_some() {
                    self.send_tier(&tier);
                }
                return Ok(None);
            }
            PictureForm::ResolutionRatio => {
                if wished.tier.is_some() {
                    self.send_tier(&tier);
                }
                if let Some(ratio) = wished.ratio {
                    self.send("ratio", &ratio);
                }
            }
        }
        Ok(pixels)
    }

    /// Reads the wish: a size names tier and ratio; beside it the other two must not say something else.
    fn wished(&self, sizes: &[VideoSize]) -> Result<Wished, VideoLimit> {
        let wish = self.wish;
        let mut wished = Wished::default();
        if let Some(size) = &wish.size {
            let found = self.size_of(sizes, size)?;
            wished.tier = Some(found.tier.clone());
            wished.ratio = Some(found.ratio.clone());
        }
        if let Some(resolution) = &wish.resolution {
            let tier = self.tier_of(sizes, resolution)?;
            if wished.tier.as_ref().is_some_and(|other| *other != tier) {
                let size = wish.size.as_deref().unwrap_or_default();
                return Err(self.limit(
                    "resolution",
                    resolution,
                    format!("it contradicts the size {size}"),
                ));
            }
            wished.tier = Some(tier);
        }
        if let Some(ratio) = wish
            .aspect_ratio
            .as_ref()
            .filter(|_| self.model.picture != PictureForm::Resolution)
        {
            let ratio = self.ratio_of(sizes, ratio)?;
            if wished.ratio.as_ref().is_some_and(|other| *other != ratio) {
                let size = wish.size.as_deref().unwrap_or_default();
                return Err(self.limit(
                    "aspect-ratio",
                    ratio,
                    format!("it contradicts the size {size}"),
                ));
            }
            wished.ratio = Some(ratio);
        }
        Ok(wished)
    }

    fn size_of<'s>(&self, sizes: &'s [VideoSize], text: &str) -> Result<&'s VideoSize, VideoLimit> {
        let plain = text
            .trim()
            .to_ascii_lowercase()
            .replace(['x', '\u{d7}'], "*");
        if let Some(found) = sizes.iter().find(|size| size.pixels == plain) {
            return Ok(found);
        }
        let read = |text: &str| {
            let (width, height) = text.split_once('*')?;
            Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
        };
        let dimensions = read(&plain);
        let by_height = |(width, height): (u32, u32)| {
            let tier = format!("{}P", width.min(height));
            sizes.iter().find(|size| size.tier == tier)
        };
        // The shape follows the image there, so only the tier counts.
        if self.model.picture == PictureForm::Resolution
            && let Some(found) = dimensions.and_then(by_height)
        {
            return Ok(found);
        }
        let all: Vec<&str> = sizes.iter().map(|size| size.pixels.as_str()).collect();
        let nearest = dimensions.and_then(|dimensions| nearest_size(sizes, dimensions));
        Err(VideoLimit {
            nearest: nearest.map(|size| size.pixels.clone()),
            ..self.limit("size", text, format!("it makes {}", all.join(", ")))
        })
    }

    fn tier_of(&self, sizes: &[VideoSize], text: &str) -> Result<String, VideoLimit> {
        let plain = text.trim().to_ascii_uppercase();
        let plain = if plain.ends_with('P') {
            plain
        } else {
            format!("{plain}P")
        };
        let mut tiers: Vec<&str> = sizes.iter().map(|size| size.tier.as_str()).collect();
        tiers.dedup();
        if tiers.contains(&plain.as_str()) {
            return Ok(plain);
        }
        let lines = |tier: &str| tier.trim_end_matches('P').parse::<i64>().ok();
        let wanted = lines(&plain);
        let nearest = wanted.and_then(|wanted| {
            tiers
                .iter()
                .min_by_key(|tier| (lines(tier).unwrap_or_default() - wanted).abs())
        });
        Err(VideoLimit {
            nearest: nearest.map(|tier| (*tier).to_owned()),
            ..self.limit(
                "resolution",
                text,
                format!("it makes {}", tiers.join(" and ")),
            )
        })
    }

    fn ratio_of(&self, sizes: &[VideoSize], text: &str) -> Result<String, VideoLimit> {
        let plain = text.trim().replace(['/', 'x'], ":");
        if sizes.iter().any(|size| size.ratio == plain) {
            return Ok(plain);
        }
        let mut ratios: Vec<&str> = Vec::new();
        for size in sizes {
            if !ratios.contains(&size.ratio.as_str()) {
                ratios.push(&size.ratio);
            }
        }
        let value = |ratio: &str| {
            let (width, height) = ratio.split_once(':')?;
            let (width, height): (f64, f64) = (width.parse().ok()?, height.parse().ok()?);
            (width > 0.0 && height > 0.0).then(|| (width / height).ln())
        };
        let wanted = value(&plain);
        let off = |ratio: &str, wanted: f64| (value(ratio).unwrap_or_default() - wanted).abs();
        let nearest = wanted.and_then(|wanted| {
            ratios
                .iter()
                .min_by(|one, other| off(one, wanted).total_cmp(&off(other, wanted)))
        });
        Err(VideoLimit {
            nearest: nearest.map(|ratio| (*ratio).to_owned()),
            ..self.limit(
                "aspect-ratio",
                text,
                format!("it makes {}", ratios.join(", ")),
            )
        })
    }

    fn shape_is_that_of_the_image(&mut self) {
        let reason = "the shape follows the image";
        if let Some(ratio) = &self.wish.aspect_ratio {
            self.note("aspect_ratio", ratio, None, reason);
        }
    }

    fn send_size(&mut self, pixels: &str) {
        let wish = self.wish;
        match (&wish.size, &wish.resolution, &wish.aspect_ratio) {
            (Some(size), _, _) if size == pixels => {}
            (Some(size), _, _) => self.note("size", size, Some(pixels.to_owned()), ""),
            (None, resolution, ratio) => {
                for (field, wished) in [("resolution", resolution), ("aspect_ratio", ratio)] {
                    if let Some(wished) = wished {
                        self.note(field, wished, Some(format!("size {pixels}")), "");
                    }
                }
            }
        }
        self.send("size", pixels);
    }

    fn send_tier(&mut self, tier: &str) {
        let wish = self.wish;
        match (&wish.size, &wish.resolution) {
            (Some(size), _) => self.note("size", size, Some(format!("resolution {tier}")), ""),
            (None, Some(wished)) if wished != tier => {
                self.note("resolution", wished, Some(tier.to_owned()), "");
            }
            (None, _) => {}
        }
        self.send("resolution", tier);
    }

    fn send(&mut self, name: &str, value: &str) {
        self.parameters.insert(name.to_owned(), json!(value));
    }
}
