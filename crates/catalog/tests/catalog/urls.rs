use catalog::EndpointFamily;

use crate::shipped;

#[test]
fn urls_of_the_service_are_recognised() {
    let catalog = shipped();
    let cases = include_str!("../data/service_urls.txt");
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [url, id, family, usage] = fields[..] else {
            panic!("{line}")
        };
        let family: EndpointFamily = family.parse().unwrap();
        let usage: bool = usage.parse().unwrap();
        let found = catalog
            .endpoint_for_url(url)
            .unwrap_or_else(|| panic!("{url}"));
        let seen = (
            found.endpoint.id.as_str(),
            found.family,
            found.native_streaming_usage(),
        );
        assert_eq!(seen, (id, family, usage), "{url}");
        assert_eq!(
            (found.plan(), found.region()),
            (found.endpoint.plan, found.endpoint.region)
        );
        assert_eq!(found.workspace, None);
        assert!(!found.is_plain_http);
    }
}

#[test]
fn plain_http_is_recognised_and_marked() {
    let catalog = shipped();
    let found = catalog.endpoint_for_url("http://dashscope.aliyuncs.com:80/compatible-mode/v1");
    assert!(found.unwrap().is_plain_http);
}

#[test]
fn workspace_hosts_carry_their_id() {
    let catalog = shipped();
    let cases = [
        (
            "https://llm-abc123.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
            "workspace-cn",
            "llm-abc123",
        ),
        (
            "WS-1_x.AP-Southeast-1.maas.aliyuncs.com/compatible-mode/v1/",
            "workspace-intl",
            "ws-1_x",
        ),
        (
            "https://w.ap-northeast-1.maas.aliyuncs.com./compatible-mode/v1",
            "workspace-jp",
            "w",
        ),
        (
            "https://ws-9.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
            "workspace-eu",
            "ws-9",
        ),
        (
            "https://ws-9.us-east-1.maas.aliyuncs.com/compatible-mode/v1",
            "workspace-us",
            "ws-9",
        ),
        (
            "https://ws-9.cn-hongkong.maas.aliyuncs.com/compatible-mode/v1",
            "workspace-hk",
            "ws-9",
        ),
    ];
    for (url, id, workspace) in cases {
        let found = catalog
            .endpoint_for_url(url)
            .unwrap_or_else(|| panic!("{url}"));
        assert_eq!(found.endpoint.id, id);
        assert_eq!(found.workspace.as_deref(), Some(workspace));
        assert!(found.native_streaming_usage(), "{url}");
        let base_url = found
            .endpoint
            .base_url_for(found.workspace.as_deref())
            .unwrap();
        assert_eq!(catalog.endpoint_for_url(&base_url), Some(found.clone()));
        let origin = found.aigc_origin().unwrap();
        assert!(base_url.starts_with(&origin) && origin.contains(workspace));
    }
}

#[test]
fn workspace_ids_are_checked_before_they_become_hosts() {
    let catalog = shipped();
    let endpoint = catalog.endpoint("workspace-cn").unwrap();
    let too_long = "a".repeat(65);
    for id in [
        "",
        "-a",
        "a.b",
        "a/b",
        "evil.com#",
        "a@b",
        "a b",
        "ä",
        too_long.as_str(),
    ] {
        assert_eq!(endpoint.base_url_for(Some(id)), None, "{id}");
    }
    assert_eq!(endpoint.base_url_for(None), None);
    let fixed = catalog.endpoint("portal").unwrap();
    assert_eq!(
        fixed.base_url_for(None).as_deref(),
        Some("https://portal.qwen.ai/v1")
    );
}

#[test]
fn look_alikes_are_not_recognised() {
    let hostile = [
        "",
        "   ",
        "/",
        "https://",
        "https:///compatible-mode/v1",
        "//dashscope.aliyuncs.com/compatible-mode/v1",
        "https://dashscope.aliyuncs.com.evil.com/compatible-mode/v1",
        "https://evil.com/dashscope.aliyuncs.com/compatible-mode/v1",
        "https://evil.com/?https://dashscope.aliyuncs.com/compatible-mode/v1",
        "https://evil.com#dashscope.aliyuncs.com",
        "https://dashscope.aliyuncs.com@evil.com/",
        "https://dashscope.aliyuncs.com:443@evil.com/compatible-mode/v1",
        "https://user:pass@dashscope.aliyuncs.com/compatible-mode/v1",
        "https://evil.com\\@dashscope.aliyuncs.com/",
        "https://dashscope.aliyuncs.com\\.evil.com/",
        "https://dashscope.aliyuncs.com/compatible-mode/v1\\x",
        "https://dashscope.aliyuncs.com%2eevil.com/",
        "https://dashscope%2ealiyuncs.com/compatible-mode/v1",
        "https://dashscope。aliyuncs.com/compatible-mode/v1",
        "https://dаshscope.aliyuncs.com/compatible-mode/v1", // a Cyrillic letter
        "https://xdashscope.aliyuncs.com/compatible-mode/v1",
        "https://x.dashscope.aliyuncs.com/compatible-mode/v1",
        "https://dashscope.aliyuncs.com\u{0}/compatible-mode/v1",
        "https://dashscope.aliyuncs.com\t/compatible-mode/v1",
        "https://dashscope .aliyuncs.com/",
        "https://dashscope.aliyuncs.com:8443/compatible-mode/v1",
        "http://dashscope.aliyuncs.com:443/compatible-mode/v1",
        "https://dashscope.aliyuncs.com:443:1/compatible-mode/v1",
        "ftp://dashscope.aliyuncs.com/compatible-mode/v1",
        "javascript://dashscope.aliyuncs.com/",
        "https://https://dashscope.aliyuncs.com/",
        "https://a.b.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://-x.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://ws.cn-shanghai.maas.aliyuncs.com/compatible-mode/v1",
        "https://ws.cn-beijing.maas.aliyuncs.com.evil.com/compatible-mode/v1",
        "https://{workspace}.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        // A plan's host in a region without a row is no workspace.
        "https://token-plan.us-east-1.maas.aliyuncs.com/compatible-mode/v1",
        "https://trial.us-east-1.maas.aliyuncs.com/compatible-mode/v1",
        "http://127.0.0.1:8080/dashscope.aliyuncs.com/compatible-mode/v1",
    ];
    let catalog = shipped();
    for url in hostile {
        assert_eq!(catalog.endpoint_for_url(url), None, "{url:?}");
    }
    let long = format!("https://dashscope.aliyuncs.com/{}", "a/".repeat(2_000));
    assert_eq!(catalog.endpoint_for_url(&long), None);
}

#[test]
fn media_jobs_go_to_the_host_of_the_region() {
    let catalog = shipped();
    let origin = |url| catalog.endpoint_for_url(url).unwrap().aigc_origin();
    let coding = origin("https://coding.dashscope.aliyuncs.com/v1");
    assert_eq!(coding.as_deref(), Some("https://dashscope.aliyuncs.com"));
    let coding = origin("https://coding-intl.dashscope.aliyuncs.com/v1");
    assert_eq!(
        coding.as_deref(),
        Some("https://dashscope-intl.aliyuncs.com")
    );
    assert_eq!(origin("https://portal.qwen.ai/v1"), None);
}
