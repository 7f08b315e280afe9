//! What Qwen Cloud is: hosts, plans, models, auth choices, error codes, as data.
//!
//! The tables are JSON5 files shipped inside the binary. Adding a host, a model or an error code is a change of data:
//! [`Catalog::with_overrides`] lays a user's files of the same names over the shipped ones. Everything else is a pure
//! look-up; this crate opens no file, sends no request and keeps no secret.
//!
//! ```
//! use catalog::{Catalog, Plan};
//!
//! let catalog = Catalog::builtin()?;
//! let found = catalog.endpoint_for_url("https://coding-intl.dashscope.aliyuncs.com/v1/").unwrap();
//! assert_eq!(found.plan(), Plan::Coding);
//! let offered: Vec<String> = catalog.models("qwen", Some(found.plan())).map(|row| row.key()).collect();
//! assert!(!offered.contains(&"qwen/qwen3.6-plus".to_owned()));
//! # Ok::<(), catalog::Error>(())
//! ```

#[macro_use]
mod text_enum;

mod auth_choice;
mod catalog;
mod chat_rule;
mod consistency;
mod endpoint;
mod error;
mod failure;
mod format;
mod key;
mod language;
mod media;
mod model;
mod nearest;
mod nesting;
mod oauth;
mod plan;
mod provider;
mod reference;
mod sunset;
mod table;
mod thinking;
mod token_limit;
mod url;
mod video;

pub use auth_choice::{AuthChoice, ChoiceMatch, ProfileMode};
pub use catalog::Catalog;
pub use chat_rule::{ChatRule, HostRule, ReplyForm, RuleDifference};
pub use endpoint::{Endpoint, EndpointFamily, EndpointMatch};
pub use error::Error;
pub use failure::{
    Classification, ErrorClass, ErrorRow, ErrorScope, FailureFacts, FailureKind, RetryRule,
};
pub use format::FormatRow;
pub use key::{KEY_PREFIX_BYTES_MAX, KeyFamily, KeyPrefix};
pub use language::Language;
pub use media::{ImageLimits, ImageSize, MediaModel, MediaShape, SpeechLimits, Surface, Voice};
pub use model::{
    Availability, ConfigModelCost, ConfigModelRow, InputKind, KindPattern, Model, ModelKind,
    ModelRow, PlanDifference,
};
pub use nearest::nearest;
pub use oauth::OauthServer;
pub use plan::{PerPlan, Plan, Region};
pub use provider::{Provider, Standing};
pub use reference::{ModelRef, ResolvedProvider, ResolvedRef};
pub use sunset::{CalendarDay, Sunset, SunsetSubject};
pub use table::{FILES as TABLE_FILES, OVERRIDE_BYTES_MAX, OverrideFile};
pub use thinking::{
    ReasoningReplay, ThinkTags, Thinking, ThinkingFormat, ThinkingKind, ThinkingLevel,
};
pub use video::{
    PictureForm, ReferenceLimits, ReferenceShape, VideoDuration, VideoModel, VideoSize, VideoSound,
};
