use std::error::Error as _;

use catalog::{
    Catalog, EndpointFamily, Error, ErrorClass, FailureFacts, ModelKind, OVERRIDE_BYTES_MAX,
    OverrideFile, Plan,
};

use crate::shipped;

fn over(name: &str, contents: &str) -> Result<Catalog, Error> {
    shipped().with_overrides(&[OverrideFile { name, contents }])
}

#[test]
fn a_known_id_replaces_only_the_fields_it_names() {
    let text =
        "[ /* ours */ { id: 'qwen3.6-plus', context_window: 500000, plans: { coding: 'yes' }, } ]";
    let catalog = over("/home/someone/catalog/models.json5", text).unwrap();
    let row = catalog
        .model("qwen", "qwen3.6-plus", Some(Plan::Coding))
        .unwrap();
    assert_eq!(
        (row.context_window, row.max_output_tokens),
        (Some(500_000), Some(65_536))
    );
    assert!(row.is_offered() && row.reasoning);
    assert_eq!(
        catalog.models("qwen", None).count(),
        shipped().models("qwen", None).count()
    );
    let token = catalog
        .model("qwen-token-plan", "qwen3.6-plus", None)
        .unwrap();
    assert!(token.is_offered());
}

#[test]
fn a_new_host_is_a_change_of_data() {
    let text = r#"[{
        id: "token-eu", provider: "qwen-token-plan", plan: "token", region: "eu", family: "openai-token",
        base_url: "https://token-plan.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
        key_family: "plan", label: "Token Plan, Europe", streaming_usage: true,
    }]"#;
    let url = "https://token-plan.eu-central-1.maas.aliyuncs.com/compatible-mode/v1";
    assert_eq!(shipped().endpoint_for_url(url), None);
    let catalog = over("endpoints.json5", text).unwrap();
    let found = catalog.endpoint_for_url(url).unwrap();
    assert_eq!(
        (found.endpoint.id.as_str(), found.family),
        ("token-eu", EndpointFamily::OpenaiToken)
    );
}

#[test]
fn files_are_laid_over_in_order_and_again() {
    let models = "[{id: 'new-model', input: ['text'], plans: {standard: 'yes'}}]";
    let fix = "\u{feff}[{id: 'new-model', context_window: 10}]";
    let choice = "[{id: 'qwen-api-key', label: 'Ours'}]";
    let catalog = shipped()
        .with_overrides(&[
            OverrideFile {
                name: "models.json5",
                contents: models,
            },
            OverrideFile {
                name: "models.json5",
                contents: fix,
            },
        ])
        .unwrap()
        .with_overrides(&[OverrideFile {
            name: "auth_choices.json5",
            contents: choice,
        }])
        .unwrap()
        .with_overrides(&[OverrideFile {
            name: "models.json5",
            contents: "[]",
        }])
        .unwrap();
    let last = catalog.models("qwen", None).last().unwrap();
    assert_eq!((last.id(), last.context_window), ("new-model", Some(10)));
    assert_eq!(
        catalog.auth_choice("qwen-api-key").unwrap().choice.label,
        "Ours"
    );
}

#[test]
fn new_rows_are_asked_before_shipped_ones_where_the_first_match_wins() {
    let errors = r#"[
        { id: "ours-1", codes: ["Arrearage"], messages: ["special"], class: "throttled", scope: "key", retry: "backoff", cause: "h1" },
        { id: "ours-2", codes: ["Arrearage"], class: "unknown", scope: "key", retry: "never", hint: "h2" },
    ]"#;
    let catalog = over("errors.json5", errors).unwrap();
    let rule = |message| {
        let facts = FailureFacts {
            code: Some("Arrearage"),
            message,
            ..FailureFacts::default()
        };
        catalog.classify(&facts).rule
    };
    assert_eq!((rule("Special case"), rule("")), ("ours-1", "ours-2"));
    let kinds = over("kinds.json5", "[{id: 'ours', prefix: 'wan', kind: 'chat'}]").unwrap();
    assert_eq!(kinds.model_kind("wan9-t2v"), ModelKind::Chat);
}

#[test]
fn every_table_can_be_overridden() {
    for table in catalog::TABLE_FILES {
        over(table, "[]").unwrap();
    }
}

#[test]
fn an_identity_server_is_checked() {
    let cases = [
        (
            "oauth",
            "[{id: 'qwen-chat', provider: 'mars'}]",
            "`qwen-chat`: provider `mars` does not exist",
        ),
        (
            "oauth",
            "[{id: 'qwen-chat', token_url: 'http://chat.qwen.ai/token'}]",
            "`qwen-chat`: a URL is neither https nor on this machine",
        ),
        (
            "oauth",
            "[{id: 'qwen-chat', device_url: 'http://localhost@evil.example/'}]",
            "`qwen-chat`: a URL is neither https nor on this machine",
        ),
        (
            "oauth",
            "[{id: 'qwen-chat', slow_down_percent: 100}]",
            "`qwen-chat`: its waits do not grow from above zero to the longest",
        ),
    ];
    for (table, contents, expected) in cases {
        let file = format!("{table}.json5");
        assert_refused(&file, contents, &format!("`{file}`, row {expected}"));
    }
}

#[test]
fn an_identity_server_may_be_on_this_machine() {
    for url in ["http://127.0.0.1:4010/token", "http://localhost/token"] {
        let text = format!("[{{id: 'qwen-chat', token_url: '{url}'}}]");
        let catalog = over("oauth.json5", &text).unwrap();
        assert_eq!(catalog.oauth_server("qwen-oauth").unwrap().token_url, url);
    }
}

fn assert_refused(name: &str, contents: &str, expected: &str) {
    let error = over(name, contents).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}\n{expected}");
}

#[test]
fn errors_in_a_row_name_file_row_and_reason() {
    let models = [
        ("[{context_window: 1}]", "row `#1`: it has no `id`"),
        (
            "[{id: 'm', input: ['text']}, 3]",
            "row `#2`: it has no `id`",
        ),
        (
            "[{id: 'glm-5', context_windw: 1}]",
            "row `glm-5`: unknown field `context_windw`",
        ),
        ("[{id: 'new'}]", "row `new`: missing field `input`"),
        (
            "[{id: 'glm-5', plans: {coding: 'perhaps'}}]",
            "row `glm-5`: unknown variant `perhaps`",
        ),
        (
            "[{id: 'glm-5', plans: {gold: 'yes'}}]",
            "row `glm-5`: unknown field `gold`",
        ),
        (
            "[{id: 'glm-5', context_window: -1}]",
            "row `glm-5`: invalid value",
        ),
    ];
    for (contents, expected) in models {
        assert_refused(
            "a/models.json5",
            contents,
            &format!("`a/models.json5`, {expected}"),
        );
    }
}

#[test]
fn errors_between_tables_name_file_row_and_reason() {
    let cases = [
        (
            "auth_choices",
            "[{id: 'qwen-api-key', endpoint: 'mars'}]",
            "`qwen-api-key`: endpoint `mars` does not exist",
        ),
        (
            "endpoints",
            "[{id: 'portal', provider: 'nobody'}]",
            "`portal`: provider `nobody` does not exist",
        ),
        (
            "endpoints",
            "[{id: 'portal', base_url: 'http://portal.qwen.ai/v1'}]",
            "`portal`: `base_url` is no https URL",
        ),
        (
            "endpoints",
            "[{id: 'portal', base_url: 'https://a@b/v1'}]",
            "`portal`: `base_url` is no https URL",
        ),
        (
            "endpoints",
            "[{id: 'portal', base_url: 'https://b/v1/'}]",
            "`portal`: `base_url` ends in a slash",
        ),
        (
            "providers",
            "[{id: 'qwen', default_model: 'gpt'}]",
            "`qwen`: model `gpt` is not among its models",
        ),
        (
            "providers",
            "[{id: 'qwen', plans: []}]",
            "`qwen`: it has no plan",
        ),
        (
            "providers",
            "[{id: 'qwen-oauth', aliases: ['DashScope']}]",
            "`qwen`: the name `dashscope` belongs to 2",
        ),
        (
            "errors",
            "[{id: 'arrears', messages: ['Upper']}]",
            "`arrears`: `messages` must be lower case",
        ),
    ];
    for (table, contents, expected) in cases {
        let file = format!("{table}.json5");
        assert_refused(&file, contents, &format!("`{file}`, row {expected}"));
    }
}

#[test]
fn files_that_are_no_tables_are_refused() {
    let deep = "[".repeat(100_000);
    let large = " ".repeat(OVERRIDE_BYTES_MAX + 1);
    let cases = [
        (
            "prices.json5",
            "[]",
            "`prices.json5` is no catalog table; the tables are providers.json5, ",
        ),
        ("models.json5", "", "`models.json5` is not a list in JSON5"),
        (
            "models.json5",
            "{}",
            "`models.json5` is not a list in JSON5",
        ),
        (
            "models.json5",
            "[{id: 'x'",
            "`models.json5` is not a list in JSON5",
        ),
        (
            "models.json5",
            &deep,
            "`models.json5` nests deeper than 32 levels",
        ),
        (
            "models.json5",
            &large,
            "`models.json5` has 1048577 bytes, more than the 1048576 that are read",
        ),
    ];
    for (name, contents, expected) in cases {
        assert_refused(name, contents, expected);
    }
}

#[test]
fn a_syntax_error_tells_its_place() {
    let error = over("models.json5", "[\n  {id: 'm'\n  oops}\n]").unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.contains('3'), "{source}");
}

#[test]
fn classes_of_new_rows_are_checked_words() {
    let text = "[{id: 'x', class: 'broken', scope: 'key', retry: 'never', cause: ''}]";
    let error = over("errors.json5", text).unwrap_err().to_string();
    assert!(
        error.contains("broken") && error.contains(ErrorClass::InvalidKey.as_str()),
        "{error}"
    );
}
