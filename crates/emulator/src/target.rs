//! Which emulated host and path a request is meant for.

use http::Uri;
use http::uri::Authority;

use crate::host::Host;

/// How a request arrived.
#[derive(Clone, Debug)]
pub(crate) enum Via {
    /// On the listening socket.
    Listener,
    /// Inside a tunnel to this host.
    Tunnel(Host),
}

impl Via {
    /// Returns `tunnel`, `proxy` (absolute form) or `direct`.
    pub(crate) fn name(&self, uri: &Uri) -> &'static str {
        match self {
            Self::Tunnel(_) => "tunnel",
            Self::Listener if uri.authority().is_some() => "proxy",
            Self::Listener => "direct",
        }
    }
}

/// What a request is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A path, with its query, on an emulated host.
    Host(Host, String),
    /// A control endpoint below `/_emulator/`.
    Control(String),
    /// A direct request whose first segment is no emulated host.
    UnknownPrefix(String),
    /// A proxied request to a host that is not emulated.
    UnknownHost(String),
}

impl Target {
    /// Reads the target of a request that is not `CONNECT`.
    pub(crate) fn of(uri: &Uri, via: &Via) -> Self {
        let path = uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        if let Via::Tunnel(host) = via {
            return Self::Host(host.clone(), path.to_owned());
        }
        match uri.authority() {
            Some(authority) if !is_loopback(authority) => match Host::find(authority.as_str()) {
                Some(host) => Self::Host(host, path.to_owned()),
                None => Self::UnknownHost(authority.to_string()),
            },
            _ => Self::direct(path),
        }
    }

    fn direct(path: &str) -> Self {
        let rest = path.strip_prefix('/').unwrap_or(path);
        let (segment, tail) = match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if segment == "_emulator" {
            return Self::Control(tail.split('?').next().unwrap_or_default().to_owned());
        }
        match Host::find(segment) {
            Some(host) if tail.starts_with('/') => Self::Host(host, tail.to_owned()),
            Some(host) => Self::Host(host, format!("/{tail}")),
            None => Self::UnknownPrefix(segment.to_owned()),
        }
    }
}

/// A client whose plain HTTP proxy is the emulator asks for the emulator itself like this.
fn is_loopback(authority: &Authority) -> bool {
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Target {
        Target::of(&uri.parse().unwrap(), &Via::Listener)
    }

    fn on(host: &str, path: &str) -> Target {
        Target::Host(Host::find(host).unwrap(), path.to_owned())
    }

    #[test]
    fn reads_direct_and_proxied_forms() {
        let host = "dashscope.aliyuncs.com";
        assert_eq!(
            of("/dashscope.aliyuncs.com/compatible-mode/v1/models?a=1"),
            on(host, "/compatible-mode/v1/models?a=1")
        );
        assert_eq!(of("/dashscope.aliyuncs.com"), on(host, "/"));
        assert_eq!(of("/dashscope.aliyuncs.com?x"), on(host, "/?x"));
        assert_eq!(of("http://dashscope.aliyuncs.com/v1"), on(host, "/v1"));
        assert_eq!(
            of("http://127.0.0.1:9/dashscope.aliyuncs.com/v1"),
            on(host, "/v1")
        );
        assert_eq!(
            of("/_emulator/requests?x=1"),
            Target::Control("/requests".to_owned())
        );
        assert_eq!(
            of("http://localhost/_emulator/reset"),
            Target::Control("/reset".to_owned())
        );
        assert_eq!(of("/v1/models"), Target::UnknownPrefix("v1".to_owned()));
        assert_eq!(
            of("http://example.com/x"),
            Target::UnknownHost("example.com".to_owned())
        );
    }

    #[test]
    fn inside_a_tunnel_control_paths_are_ordinary_paths() {
        let host = Host::find("portal.qwen.ai").unwrap();
        let target = Target::of(&"/_emulator/reset".parse().unwrap(), &Via::Tunnel(host));
        assert_eq!(target, on("portal.qwen.ai", "/_emulator/reset"));
    }
}
