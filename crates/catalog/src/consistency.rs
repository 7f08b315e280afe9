//! Checks across tables: every name that a row uses exists.

use std::collections::BTreeSet;

use crate::table::Row;
use crate::{
    AuthChoice, Catalog, ChatRule, Endpoint, EndpointFamily, Error, ErrorRow, HostRule, MediaModel,
    Model, ModelKind, OauthServer, Provider, ThinkingLevel, VideoModel,
};

/// Finds the first row that points nowhere or repeats an id.
pub(crate) fn check(catalog: &Catalog) -> Result<(), Error> {
    check_unique(catalog.providers())?;
    check_unique(catalog.endpoints())?;
    check_unique(catalog.auth_choices())?;
    check_unique(catalog.error_rows())?;
    check_unique(catalog.sunsets())?;
    check_unique(catalog.oauth_servers())?;
    check_unique(catalog.media_models())?;
    check_unique(catalog.chat_rules())?;
    check_unique(catalog.host_rules())?;
    check_unique(catalog.video_models())?;
    check_unique(catalog.formats())?;
    for provider in catalog.providers() {
        check_provider(catalog, provider)?;
    }
    for endpoint in catalog.endpoints() {
        check_endpoint(catalog, endpoint)?;
    }
    for choice in catalog.auth_choices() {
        check_choice(catalog, choice)?;
    }
    for server in catalog.oauth_servers() {
        check_oauth_server(catalog, server)?;
    }
    let mut media = catalog.media_models().iter();
    media.try_for_each(|row| check_media(catalog, row))?;
    catalog.chat_rules().iter().try_for_each(check_chat_rule)?;
    catalog.host_rules().iter().try_for_each(check_host_rule)?;
    for model in catalog.video_models() {
        check_video_model(catalog, model)?;
    }
    catalog.error_rows().iter().try_for_each(check_error_row)
}

/// A row about a model that nobody lists would never be asked for.
fn check_media(catalog: &Catalog, row: &MediaModel) -> Result<(), Error> {
    let is_listed = catalog
        .providers()
        .iter()
        .any(|provider| catalog.model(&provider.id, &row.id, None).is_some());
    if is_listed {
        return Ok(());
    }
    let reason = "it is not in models.json5".to_owned();
    Err(blame::<MediaModel>(&row.id, reason))
}

fn check_unique<R: Row>(rows: &[R]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert(row.id()) {
            return Err(blame::<R>(row.id(), "its id is used twice".to_owned()));
        }
    }
    Ok(())
}

fn check_provider(catalog: &Catalog, provider: &Provider) -> Result<(), Error> {
    let blame = |reason| Err(blame::<Provider>(&provider.id, reason));
    if provider.plans.is_empty() {
        return blame("it has no plan".to_owned());
    }
    if catalog.endpoint(&provider.assumed_endpoint).is_none() {
        return blame(format!(
            "endpoint `{}` does not exist",
            provider.assumed_endpoint
        ));
    }
    for name in std::iter::once(&provider.id).chain(&provider.aliases) {
        let n_owners = catalog
            .providers()
            .iter()
            .filter(|other| other.answers_to(name))
            .count();
        if n_owners != 1 {
            return blame(format!("the name `{name}` belongs to {n_owners} providers"));
        }
    }
    let models = std::iter::once(Some(&provider.default_model)).chain([
        provider.default_video_model.as_ref(),
        provider.default_vision_model.as_ref(),
    ]);
    for id in models.flatten() {
        if catalog.model(&provider.id, id, None).is_none() {
            return blame(format!(
                "model `{id}` is not among its models ({})",
                Model::FILE
            ));
        }
    }
    Ok(())
}

fn check_endpoint(catalog: &Catalog, endpoint: &Endpoint) -> Result<(), Error> {
    let blame = |reason| Err(blame::<Endpoint>(&endpoint.id, reason));
    if !catalog
        .providers()
        .iter()
        .any(|provider| provider.id == endpoint.provider)
    {
        return blame(format!("provider `{}` does not exist", endpoint.provider));
    }
    let url = endpoint.base_url.replace("{workspace}", "workspace");
    match crate::url::split(&url) {
        Some(split) if split.is_https && endpoint.base_url.starts_with("https://") => {}
        Some(_) | None => return blame("`base_url` is no https URL".to_owned()),
    }
    if endpoint.base_url.ends_with('/') || endpoint.base_url.contains(['?', '#']) {
        return blame("`base_url` ends in a slash, or has a query or fragment".to_owned());
    }
    Ok(())
}

fn check_choice(catalog: &Catalog, choice: &AuthChoice) -> Result<(), Error> {
    let blame = |reason| Err(blame::<AuthChoice>(&choice.id, reason));
    if !catalog
        .providers()
        .iter()
        .any(|provider| provider.id == choice.provider)
    {
        return blame(format!("provider `{}` does not exist", choice.provider));
    }
    if catalog.endpoint(&choice.endpoint).is_none() {
        return blame(format!("endpoint `{}` does not exist", choice.endpoint));
    }
    if let Some(other) = &choice.replaced_by
        && catalog.auth_choice(other).is_none()
    {
        return blame(format!("choice `{other}` does not exist"));
    }
    Ok(())
}

fn check_oauth_server(catalog: &Catalog, server: &OauthServer) -> Result<(), Error> {
    let blame = |reason| Err(blame::<OauthServer>(&server.id, reason));
    if !catalog
        .providers()
        .iter()
        .any(|provider| provider.id == server.provider)
    {
        return blame(format!("provider `{}` does not exist", server.provider));
    }
    if !server.is_private() {
        return blame("a URL is neither https nor on this machine".to_owned());
    }
    if server.client_id.is_empty() || server.scopes.is_empty() {
        return blame("`client_id` or `scopes` is empty".to_owned());
    }
    if server.slow_down_percent <= 100
        || server.poll_interval_ms == 0
        || server.poll_interval_ms > server.poll_interval_max_ms
    {
        return blame("its waits do not grow from above zero to the longest".to_owned());
    }
    Ok(())
}

fn check_video_model(catalog: &Catalog, model: &VideoModel) -> Result<(), Error> {
    let blame = |reason| Err(blame::<VideoModel>(&model.id, reason));
    if catalog.model_kind(&model.id) != ModelKind::Video {
        return blame(format!(
            "`{}` is no video model ({})",
            model.id,
            Model::FILE
        ));
    }
    if !model
        .sizes
        .iter()
        .any(|size| size.tier == model.default_tier)
    {
        return blame("`default_tier` has no size".to_owned());
    }
    if let Some(size) = model.sizes.iter().find(|size| size.dimensions().is_none()) {
        return blame(format!("`{}` is not width*height", size.pixels));
    }
    let duration = &model.duration;
    let limits = duration.min..=duration.max;
    if !duration
        .only
        .iter()
        .chain([&duration.default])
        .all(|value| limits.contains(value))
    {
        return blame("a duration is outside its limits".to_owned());
    }
    Ok(())
}

fn check_error_row(row: &ErrorRow) -> Result<(), Error> {
    let is_lower = |text: &String| text.chars().all(|c| !c.is_ascii_uppercase());
    if row.messages.iter().all(is_lower) {
        Ok(())
    } else {
        Err(blame::<ErrorRow>(
            &row.id,
            "`messages` must be lower case".to_owned(),
        ))
    }
}

fn check_chat_rule(rule: &ChatRule) -> Result<(), Error> {
    let blame = |reason| Err(blame::<ChatRule>(&rule.id, reason));
    let mut texts = rule.prefixes.iter().chain(&rule.contains);
    if texts.any(|text| text.chars().any(|c| c.is_ascii_uppercase())) {
        return blame("`prefixes` and `contains` must be lower case".to_owned());
    }
    let thinking = &rule.thinking;
    let levels = thinking.level_map.keys();
    for level in levels.chain(thinking.level_budget_tokens.keys()) {
        if level.parse::<ThinkingLevel>().is_err() {
            return blame(format!("`{level}` is not a level of thinking"));
        }
    }
    for effort in thinking.level_map.values() {
        if !thinking.efforts.contains(effort) {
            return blame(format!("effort `{effort}` is not among `efforts`"));
        }
    }
    Ok(())
}

fn check_host_rule(rule: &HostRule) -> Result<(), Error> {
    match rule.id.parse::<EndpointFamily>() {
        Ok(_) => Ok(()),
        Err(_) => Err(blame::<HostRule>(
            &rule.id,
            "its id is no family of endpoints".to_owned(),
        )),
    }
}

fn blame<R: Row>(id: &str, reason: String) -> Error {
    Error::Row {
        file: R::FILE.to_owned(),
        row: id.to_owned(),
        reason,
    }
}
