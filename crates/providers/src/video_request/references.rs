//! References: how many, of which kind, and where the model wants them.

use serde_json::{Value, json};

use super::{Builder, Reference, ReferenceKind, ReferenceShape, VideoLimit, check_url};

impl Builder<'_> {
    /// Checks the references and puts them where the model reads them.
    pub(super) fn references(&mut self) -> Result<(), VideoLimit> {
        let references = self.wish.references.as_slice();
        self.check_number(references)?;
        for reference in references {
            let url = reference.url.as_str();
            check_url(url).map_err(|allowed| self.limit("reference", url, allowed))?;
        }
        match self.model.references.shape {
            ReferenceShape::None => {}
            ReferenceShape::ImgUrl => {
                if let Some(image) = references.first() {
                    self.input.insert("img_url".to_owned(), json!(image.url));
                }
            }
            ReferenceShape::ReferenceUrls => {
                let urls: Vec<&str> = references.iter().map(|one| one.url.as_str()).collect();
                self.input.insert("reference_urls".to_owned(), json!(urls));
            }
            ReferenceShape::Frames => {
                let media = self.frames(references);
                self.input.insert("media".to_owned(), media);
            }
            ReferenceShape::Media => {
                let item = |one: &Reference| {
                    let kind = match one.kind {
                        ReferenceKind::Image => "reference_image",
                        ReferenceKind::Video => "reference_video",
                    };
                    json!({"type": kind, "url": one.url})
                };
                let media: Vec<Value> = references.iter().map(item).collect();
                self.input.insert("media".to_owned(), json!(media));
            }
        }
        Ok(())
    }

    /// A clip is continued, an image is the first frame; a second image is the last frame.
    fn frames(&self, references: &[Reference]) -> Value {
        let is_video = |one: &&Reference| one.kind == ReferenceKind::Video;
        let clip = references.iter().find(is_video);
        let mut media: Vec<Value> = clip
            .map(|clip| json!({"type": "first_clip", "url": clip.url}))
            .into_iter()
            .collect();
        let names: &[&str] = if clip.is_some() {
            &["last_frame"]
        } else {
            &["first_frame", "last_frame"]
        };
        let images = references.iter().filter(|one| !is_video(one));
        for (image, name) in images.zip(names) {
            media.push(json!({"type": name, "url": image.url}));
        }
        if let Some(url) = &self.wish.audio_url {
            media.push(json!({"type": "driving_audio", "url": url}));
        }
        json!(media)
    }

    fn check_number(&self, references: &[Reference]) -> Result<(), VideoLimit> {
        let limits = &self.model.references;
        let count = |kind| references.iter().filter(|one| one.kind == kind).count();
        let (n_images, n_videos) = (count(ReferenceKind::Image), count(ReferenceKind::Video));
        let total = references.len();
        if limits.shape == ReferenceShape::None && total > 0 {
            let allowed = "it works from text alone; an `i2v` model takes an image, an `r2v` model images and videos";
            return Err(self.limit("references", total.to_string(), allowed));
        }
        let allowed = format!(
            "it takes {} to {} references, at most {} images and {} videos",
            limits.min, limits.total_max, limits.images_max, limits.videos_max
        );
        let field = if n_videos > limits.videos_max {
            "videos"
        } else if n_images > limits.images_max {
            "images"
        } else if total < limits.min || total > limits.total_max {
            "references"
        } else if limits.shape == ReferenceShape::Frames
            && n_videos > 0
            && self.wish.audio_url.is_some()
        {
            return Err(self.limit("audio-url", "with a clip", "a clip brings its own sound"));
        } else {
            return Ok(());
        };
        let (wished, nearest) = match field {
            "videos" => (n_videos, limits.videos_max),
            "images" => (n_images, limits.images_max),
            _ => (total, total.clamp(limits.min, limits.total_max)),
        };
        Err(VideoLimit {
            nearest: Some(nearest.to_string()),
            ..self.limit(field, wished.to_string(), allowed)
        })
    }
}
