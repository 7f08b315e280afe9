//! The language of texts for people.

text_enum! {
    /// A language that the error atlas speaks.
    pub enum Language {
        /// English.
        English => "en",
        /// Chinese, in simplified characters.
        Chinese => "zh",
    }
}

impl Language {
    /// Returns the language of a locale such as `zh-CN`, `zh_TW.UTF-8` or `en`; English for those without texts.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.trim().split(['-', '_', '.']).next();
        match language {
            Some(language) if language.eq_ignore_ascii_case("zh") => Self::Chinese,
            _ => Self::English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_locale_picks_the_language() {
        for locale in ["zh-CN", "zh-TW", "zh_CN.UTF-8", "ZH", " zh-Hans "] {
            assert_eq!(Language::of_locale(locale), Language::Chinese, "{locale}");
        }
        for locale in ["", "en", "de-DE", "zhx", "C"] {
            assert_eq!(Language::of_locale(locale), Language::English, "{locale}");
        }
    }
}
