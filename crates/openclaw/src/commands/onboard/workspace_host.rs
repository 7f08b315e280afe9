//! Workspace-scoped hosts: an id, or any URL that holds one, and the region it stands in.

use catalog::{Catalog, Endpoint, Plan, Region};

use crate::failed::Failed;

/// Beginnings of the ids that the service gives to workspaces.
const ID_PREFIXES: [&str; 2] = ["llm-", "ws-"];

/// A workspace as a person named it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WorkspaceHost {
    pub(super) id: String,
    /// The region, when the text told it.
    pub(super) region: Option<Region>,
}

impl WorkspaceHost {
    /// Reads a bare id, a workspace host or base URL, or a console URL.
    pub(super) fn parse(text: &str, catalog: &Catalog) -> Result<Self, Failed> {
        let text = text.trim();
        if let Some(found) = catalog.endpoint_for_url(text)
            && let Some(id) = found.workspace.clone()
        {
            return Ok(Self {
                id,
                region: Some(found.region()),
            });
        }
        let is_id =
            |id: &str| patterns(catalog).any(|endpoint| endpoint.base_url_for(Some(id)).is_some());
        if is_id(text) {
            return Ok(Self {
                id: text.to_owned(),
                region: None,
            });
        }
        let mut pieces =
            text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        let id = pieces
            .find(|piece| ID_PREFIXES.iter().any(|prefix| piece.starts_with(prefix)) && is_id(piece))
            .ok_or_else(|| {
                Failed::new(format!("`{text}` names no workspace")).hint(
                    "give the id (`llm-…` or `ws-…`), its base URL, or the console's URL that shows it",
                )
            })?;
        let region = patterns(catalog)
            .find(|endpoint| region_name(endpoint).is_some_and(|name| text.contains(name)))
            .map(|endpoint| endpoint.region);
        Ok(Self {
            id: id.to_owned(),
            region,
        })
    }
}

/// Iterates over the host patterns that hold a place for a workspace id.
pub(super) fn patterns(catalog: &Catalog) -> impl Iterator<Item = &Endpoint> {
    catalog
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.plan == Plan::Workspace && endpoint.is_workspace_pattern())
}

/// Returns the service's own name of the region, which is the second label of the host.
fn region_name(endpoint: &Endpoint) -> Option<&str> {
    endpoint.host().split('.').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_and_urls() {
        let catalog = Catalog::builtin().unwrap();
        for (text, id, region) in [
            ("llm-abc123", "llm-abc123", None),
            (" ws-1 ", "ws-1", None),
            (
                "llm-abc.ap-northeast-1.maas.aliyuncs.com",
                "llm-abc",
                Some(Region::Jp),
            ),
            (
                "https://ws-9.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
                "ws-9",
                Some(Region::Eu),
            ),
            (
                "https://console.example/ap-southeast-1/?tab=api#/workspace/llm-x_1/keys",
                "llm-x_1",
                Some(Region::Intl),
            ),
            ("https://console.example/?workspaceId=llm-x", "llm-x", None),
        ] {
            let found = WorkspaceHost::parse(text, &catalog).unwrap();
            assert_eq!((found.id.as_str(), found.region), (id, region), "{text}");
        }
        for text in ["", "https://console.example/", "-x", "a b"] {
            assert!(WorkspaceHost::parse(text, &catalog).is_err(), "{text}");
        }
    }
}
