use std::collections::BTreeSet;

use catalog::{
    Availability, CalendarDay, ErrorClass, KeyFamily, Plan, ProfileMode, Region, Standing,
    SunsetSubject,
};

use crate::shipped;

#[test]
fn shipped_tables_are_consistent() {
    shipped().check().unwrap();
}

const BASE_URLS: &[(&str, Plan, Region, &str)] = &[
    (
        "standard-intl",
        Plan::Standard,
        Region::Intl,
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "standard-cn",
        Plan::Standard,
        Region::Cn,
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "standard-us",
        Plan::Standard,
        Region::Us,
        "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "standard-hk",
        Plan::Standard,
        Region::Hk,
        "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "coding-intl",
        Plan::Coding,
        Region::Intl,
        "https://coding-intl.dashscope.aliyuncs.com/v1",
    ),
    (
        "coding-cn",
        Plan::Coding,
        Region::Cn,
        "https://coding.dashscope.aliyuncs.com/v1",
    ),
    (
        "token-intl",
        Plan::Token,
        Region::Intl,
        "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "token-cn",
        Plan::Token,
        Region::Cn,
        "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "portal",
        Plan::Portal,
        Region::Global,
        "https://portal.qwen.ai/v1",
    ),
    (
        "trial-cn",
        Plan::Trial,
        Region::Cn,
        "https://trial.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
    ),
    (
        "workspace-eu",
        Plan::Workspace,
        Region::Eu,
        "https://{workspace}.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
    ),
];

#[test]
fn every_documented_base_url_has_an_endpoint() {
    let catalog = shipped();
    for &(id, plan, region, base_url) in BASE_URLS {
        let endpoint = catalog.endpoint(id).unwrap();
        assert_eq!(
            (endpoint.plan, endpoint.region, endpoint.base_url.as_str()),
            (plan, region, base_url)
        );
        assert_eq!(catalog.endpoint_of(plan, region), Some(endpoint));
        let is_coding_or_portal = matches!(plan, Plan::Coding | Plan::Portal);
        assert_eq!(endpoint.models_path.is_none(), is_coding_or_portal, "{id}");
        assert_eq!(endpoint.requires_user_agent, plan == Plan::Coding, "{id}");
    }
    assert_eq!(catalog.endpoints().len(), 18);
}

#[test]
fn auth_choices_lead_to_their_endpoints() {
    let expected = [
        (
            "qwen-standard-api-key",
            "standard-intl",
            "--modelstudio-standard-api-key",
            Some("modelstudio-standard-api-key"),
        ),
        (
            "qwen-standard-api-key-cn",
            "standard-cn",
            "--modelstudio-standard-api-key-cn",
            Some("modelstudio-standard-api-key-cn"),
        ),
        (
            "qwen-api-key",
            "coding-intl",
            "--modelstudio-api-key",
            Some("modelstudio-api-key"),
        ),
        (
            "qwen-api-key-cn",
            "coding-cn",
            "--modelstudio-api-key-cn",
            Some("modelstudio-api-key-cn"),
        ),
        (
            "qwen-token-plan",
            "token-intl",
            "--qwen-token-plan-api-key",
            None,
        ),
        (
            "qwen-token-plan-cn",
            "token-cn",
            "--qwen-token-plan-api-key-cn",
            None,
        ),
        ("qwen-oauth", "portal", "--qwen-oauth-token", None),
    ];
    let catalog = shipped();
    for (id, endpoint, flag, old_id) in expected {
        let found = catalog.auth_choice(id).unwrap();
        assert!(!found.deprecated);
        assert_eq!(found.choice.endpoint, endpoint);
        assert_eq!(found.choice.mode, ProfileMode::ApiKey);
        assert_eq!(catalog.choice_for_flag(flag), Some(found.choice));
        assert_eq!(
            catalog.choice_for_flag(flag.trim_start_matches('-')),
            Some(found.choice)
        );
        assert_eq!(catalog.choice_for_endpoint(endpoint), Some(found.choice));
        let owner = &catalog.endpoint(endpoint).unwrap().provider;
        assert_eq!(owner, &found.choice.provider);
        if let Some(old_id) = old_id {
            let found_by_old = catalog.auth_choice(old_id).unwrap();
            assert!(found_by_old.deprecated);
            assert_eq!(found_by_old.choice.id, id);
        }
    }
    let portal = catalog.auth_choice("qwen-portal").unwrap().choice;
    assert_eq!(portal.status, Standing::Retired);
    assert_eq!(portal.replaced_by.as_deref(), Some("qwen-standard-api-key"));
    assert_eq!(catalog.auth_choice("nonsense"), None);
    assert_eq!(catalog.choice_for_flag("--nonsense"), None);
}

#[test]
fn flags_and_choice_names_are_unique() {
    let catalog = shipped();
    let mut flags = BTreeSet::new();
    let mut names = BTreeSet::new();
    for choice in catalog.auth_choices() {
        for name in std::iter::once(&choice.id).chain(&choice.deprecated_ids) {
            assert!(names.insert(name.clone()), "{name}");
        }
        if let Some(flag) = &choice.flag {
            assert!(
                flag.starts_with("--") && flags.insert(flag.clone()),
                "{flag}"
            );
        }
        assert!(
            choice
                .profile_id
                .starts_with(&format!("{}:", choice.provider))
        );
    }
}

#[test]
fn default_models_answer_on_the_assumed_plan() {
    let catalog = shipped();
    for provider in catalog.providers() {
        for plan in &provider.plans {
            let row = catalog
                .model(&provider.id, &provider.default_model, Some(*plan))
                .unwrap();
            assert_eq!(
                row.availability,
                Availability::Yes,
                "{} on {plan}",
                row.key()
            );
            assert!(row.is_default());
        }
    }
}

#[test]
fn env_vars_keep_their_order() {
    let catalog = shipped();
    let vars = |id: &str| {
        catalog
            .provider(id)
            .unwrap()
            .all_env_vars()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        vars("qwen"),
        "QWEN_API_KEY MODELSTUDIO_API_KEY DASHSCOPE_API_KEY"
    );
    assert_eq!(vars("qwen-token-plan"), "QWEN_TOKEN_PLAN_API_KEY");
    assert_eq!(
        vars("qwen-oauth"),
        "QWEN_API_KEY QWEN_OAUTH_TOKEN QWEN_PORTAL_API_KEY"
    );
}

#[test]
fn key_families_follow_the_longest_prefix() {
    let catalog = shipped();
    let cases = [
        ("sk-sp-12", KeyFamily::Plan),
        ("sk-ws123", KeyFamily::PayAsYouGo),
        ("sk-0a1b2", KeyFamily::PayAsYouGo),
        ("sk-sp", KeyFamily::PayAsYouGo),
        ("SK-sp-12", KeyFamily::Unknown),
        ("eyJhbGci", KeyFamily::Unknown),
        ("", KeyFamily::Unknown),
    ];
    for (prefix, family) in cases {
        assert_eq!(catalog.key_family(prefix), family, "{prefix}");
    }
}

#[test]
fn keys_are_only_admitted_where_they_belong() {
    let catalog = shipped();
    let hosts = |family| {
        catalog
            .endpoints_for_key(family)
            .map(|endpoint| endpoint.id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        hosts(KeyFamily::Plan),
        ["coding-intl", "coding-cn", "token-intl", "token-cn"]
    );
    assert_eq!(
        hosts(KeyFamily::PayAsYouGo),
        ["standard-intl", "standard-cn", "standard-us", "standard-hk"]
    );
    assert_eq!(hosts(KeyFamily::Unknown), ["portal"]);
    let portal = catalog.endpoint("portal").unwrap();
    assert!(!portal.admits(KeyFamily::PayAsYouGo) && !portal.admits(KeyFamily::Plan));
    assert!(portal.admits(KeyFamily::Unknown));
    let standard = catalog.endpoint("standard-cn").unwrap();
    assert!(standard.admits(KeyFamily::PayAsYouGo) && !standard.admits(KeyFamily::Plan));
}

#[test]
fn every_error_class_is_used_or_reserved() {
    // `unknown` is what the atlas answers when no row fits.
    let reserved = BTreeSet::from([ErrorClass::Unknown]);
    let catalog = shipped();
    let used: BTreeSet<ErrorClass> = catalog.error_rows().iter().map(|row| row.class).collect();
    let all: BTreeSet<ErrorClass> = ErrorClass::ALL.iter().copied().collect();
    assert_eq!(used.union(&reserved).copied().collect::<BTreeSet<_>>(), all);
    assert!(used.is_disjoint(&reserved));
}

#[test]
fn sunsets_know_their_day() {
    let catalog = shipped();
    let rows: Vec<_> = catalog
        .sunsets_for(SunsetSubject::Host, "Portal.Qwen.AI")
        .collect();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    let day = |text: &str| text.parse::<CalendarDay>().unwrap();
    assert!(!row.has_come(day("2026-04-14")) && row.has_come(day("2026-04-15")));
    assert_eq!(day("2026-04-15").days_since(day("2026-02-28")), 46);
    assert_eq!(day("2028-03-01").days_since(day("2028-02-28")), 2);
    assert_eq!(day("2000-03-01").days_since(day("1970-01-01")), 11_017);
    assert_eq!(day("2026-04-15").to_string(), "2026-04-15");
    assert!("2026-13-01".parse::<CalendarDay>().is_err());
    assert!("yesterday".parse::<CalendarDay>().is_err());
    let rerank = catalog
        .sunsets_for(SunsetSubject::Model, "gte-rerank")
        .next()
        .unwrap();
    assert_eq!(rerank.date, Some(day("2026-05-30")));
    let path = catalog
        .sunsets()
        .iter()
        .find(|row| row.id == "responses-v2-path")
        .unwrap();
    assert!(path.date.is_none() && !path.has_come(day("2999-01-01")));
}

#[test]
fn the_portal_has_an_identity_server() {
    let catalog = shipped();
    let server = catalog.oauth_server("qwen-portal").unwrap();
    assert_eq!(catalog.oauth_server("qwen-oauth"), Some(server));
    assert_eq!(catalog.oauth_server("qwen"), None);
    assert_eq!(
        server.scopes.join(" "),
        "openid profile email model.completion"
    );
    let portal = catalog.endpoint("portal").unwrap();
    assert_eq!(server.default_resource_url, portal.base_url);
}

#[test]
fn vocabulary_is_spelled_the_same_everywhere() {
    for class in ErrorClass::ALL {
        assert_eq!(class.to_string().parse::<ErrorClass>().unwrap(), *class);
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        assert!((400..=599).contains(&class.client_status()));
    }
    assert_eq!(
        "gold".parse::<Plan>().unwrap_err().to_string(),
        "`gold` is no Plan"
    );
}
