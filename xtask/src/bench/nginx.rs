//! nginx as the yardstick: it checks the client's key and puts the upstream's in its place, and
//! does nothing else. No model is rewritten and no usage is read, so a gateway that costs as much
//! as nginx does more for the same.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::homes::{CLIENT_KEY, UPSTREAM_KEY};
use crate::{debian, process};

/// Puts nginx on the machine if it is not there.
///
/// # Errors
/// It is missing and cannot be installed here.
pub(super) fn ensure() -> anyhow::Result<()> {
    let is_there =
        || process::succeeds("nginx", &["-v"]) || process::succeeds("/usr/sbin/nginx", &["-v"]);
    if !is_there() {
        let what_for =
            "the benchmark measures beside nginx (`--only direct,openclaw` goes without)";
        debian::install(&["nginx-light"], what_for)?;
    }
    Ok(())
}

/// Writes a configuration that touches nothing outside `folder`.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write_config(folder: &Path, port: u16, upstream_port: u16) -> anyhow::Result<()> {
    let text = config(&folder.display().to_string(), port, upstream_port);
    fs::write(folder.join("nginx.conf"), text).context("writing nginx's configuration")
}

fn config(folder: &str, port: u16, upstream_port: u16) -> String {
    format!(
        r#"worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  client_body_buffer_size 256k;
  client_max_body_size 32m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_authorization $is_client {{ default 0; "Bearer {CLIENT_KEY}" 1; }}
  upstream mock {{
    server 127.0.0.1:{upstream_port};
    keepalive 2048;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /v1/ {{
      if ($is_client = 0) {{ return 401; }}
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer {UPSTREAM_KEY}";
      proxy_buffering off;
    }}
  }}
}}
"#
    )
}
