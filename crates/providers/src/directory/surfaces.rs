//! The surfaces of one host: the OpenAI-compatible one that is configured, and the vendor's own ones beside it.

use catalog::{Catalog, Surface};
use http::Uri;

use crate::upstream_url::{BaseUrl, UrlError};

/// Where the surfaces of a host are.
#[derive(Debug)]
pub(super) struct Surfaces {
    compatible: BaseUrl,
    vendor: Option<Vendor>,
    /// Where long jobs run.
    jobs: Option<BaseUrl>,
}

/// The vendor's own surfaces.
#[derive(Debug)]
struct Vendor {
    /// What stands before the path of every surface.
    root: BaseUrl,
    native_path: String,
}

impl Surfaces {
    /// Finds the surfaces beside `base`. A host that is not known by name, such as a proxy or the emulator, has those of
    /// the endpoints whose path it repeats.
    pub(super) fn of(catalog: &Catalog, base: &BaseUrl) -> Self {
        let known = catalog.endpoint_for_url(base.as_str());
        let vendor = |endpoint: &catalog::Endpoint| {
            Some(Vendor {
                native_path: endpoint.native_path.clone()?,
                root: base.without_suffix(endpoint.base_path())?,
            })
        };
        let jobs = known.as_ref().and_then(jobs_of);
        let vendor = match known {
            Some(known) => vendor(known.endpoint),
            None => catalog.endpoints().iter().find_map(vendor),
        };
        Self {
            compatible: base.clone(),
            vendor,
            jobs,
        }
    }

    /// Returns the URL of `path` where long jobs of the region run, whatever host chats go to.
    pub(super) fn jobs_url(&self, path: &str) -> Result<Uri, UrlError> {
        match &self.jobs {
            Some(jobs) => jobs.join(path),
            None => self.url(Surface::Native, path),
        }
    }

    /// Returns the URL of `path` on a surface.
    pub(super) fn url(&self, surface: Surface, path: &str) -> Result<Uri, UrlError> {
        let vendor = || {
            self.vendor.as_ref().ok_or_else(|| UrlError::NoSuchSurface {
                host: self.compatible.host().to_owned(),
            })
        };
        match surface {
            Surface::Compatible => self.compatible.join(path),
            Surface::Root => vendor()?.root.join(path),
            Surface::Native => {
                let vendor = vendor()?;
                vendor.root.join(&format!("{}{path}", vendor.native_path))
            }
        }
    }
}

/// Path of the vendor's own surface, on every host that runs jobs.
const NATIVE_PATH: &str = "/api/v1";

fn jobs_of(known: &catalog::EndpointMatch<'_>) -> Option<BaseUrl> {
    let path = known.endpoint.native_path.as_deref().unwrap_or(NATIVE_PATH);
    BaseUrl::parse(&format!("{}{path}", known.aigc_origin()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, surface: Surface) -> Option<String> {
        let catalog = Catalog::builtin().unwrap();
        let surfaces = Surfaces::of(&catalog, &BaseUrl::parse(base).unwrap());
        surfaces.url(surface, "/x").ok().map(|url| url.to_string())
    }

    #[test]
    fn jobs_run_in_the_region_of_the_key_whatever_host_chats_go_to() {
        let catalog = Catalog::builtin().unwrap();
        for (base, jobs) in [
            (
                "https://coding-intl.dashscope.aliyuncs.com/v1",
                "https://dashscope-intl.aliyuncs.com/api/v1/x",
            ),
            (
                "https://coding.dashscope.aliyuncs.com/v1",
                "https://dashscope.aliyuncs.com/api/v1/x",
            ),
            (
                "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
                "https://dashscope-us.aliyuncs.com/api/v1/x",
            ),
            (
                "https://dashscope-intl.aliyuncs.com/apps/anthropic",
                "https://dashscope-intl.aliyuncs.com/api/v1/x",
            ),
            (
                "https://llm-1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
                "https://llm-1.eu-central-1.maas.aliyuncs.com/api/v1/x",
            ),
            (
                "http://127.0.0.1:9/dashscope.aliyuncs.com/compatible-mode/v1",
                "http://127.0.0.1:9/dashscope.aliyuncs.com/api/v1/x",
            ),
        ] {
            let surfaces = Surfaces::of(&catalog, &BaseUrl::parse(base).unwrap());
            assert_eq!(surfaces.jobs_url("/x").unwrap().to_string(), jobs, "{base}");
        }
        let other = Surfaces::of(
            &catalog,
            &BaseUrl::parse("http://localhost:11434/v1").unwrap(),
        );
        assert!(other.jobs_url("/x").is_err());
    }

    #[test]
    fn the_vendors_surfaces_stand_beside_the_configured_one() {
        for (base, native, root) in [
            (
                "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/",
                Some("https://dashscope-intl.aliyuncs.com/api/v1/x"),
                Some("https://dashscope-intl.aliyuncs.com/x"),
            ),
            (
                "https://llm-1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
                Some("https://llm-1.eu-central-1.maas.aliyuncs.com/api/v1/x"),
                Some("https://llm-1.eu-central-1.maas.aliyuncs.com/x"),
            ),
            (
                "http://127.0.0.1:9/dashscope-us.aliyuncs.com/compatible-mode/v1",
                Some("http://127.0.0.1:9/dashscope-us.aliyuncs.com/api/v1/x"),
                Some("http://127.0.0.1:9/dashscope-us.aliyuncs.com/x"),
            ),
            ("https://coding-intl.dashscope.aliyuncs.com/v1", None, None),
            ("http://localhost:11434/v1", None, None),
        ] {
            assert_eq!(url(base, Surface::Native).as_deref(), native, "{base}");
            assert_eq!(url(base, Surface::Root).as_deref(), root, "{base}");
            let compatible = format!("{}/x", base.trim_end_matches('/'));
            assert_eq!(url(base, Surface::Compatible), Some(compatible));
        }
    }
}
