//! Whether the gateway's port is free, or held by the gateway of this home.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::super::{Check, Finding, Repair, Situation};
use crate::context::ReadConfig;
use crate::gateway_client::GatewayClient;

pub(super) const CHECK: Check = Check {
    name: "gateway-port",
    title: "the gateway has its port",
    detect,
    repair: Repair::None,
};

/// How long a connection to loopback may take.
const CONNECT_MAX: Duration = Duration::from_millis(500);

fn detect(situation: &Situation<'_>) -> Vec<Finding> {
    let Some(config) = situation.config() else {
        return vec![Finding::skipped("the config cannot be read")];
    };
    if situation.gateway().is_some() {
        return Vec::new();
    }
    let port = situation.context.gateway_port(config);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if TcpStream::connect_timeout(&address, CONNECT_MAX).is_err() {
        return match TcpListener::bind(address) {
            Ok(_) => vec![Finding::skipped("no gateway runs; its port is free")],
            Err(error) => vec![Finding::warning(format!(
                "the gateway cannot listen on {address}: {error}"
            ))],
        };
    }
    if is_gateway(situation, config) {
        let message =
            format!("a gateway that does not know this home's token listens on {address}");
        return vec![Finding::info(message).hint("two homes on one machine need two ports")];
    }
    vec![
        Finding::warning(format!("another program listens on {address}")).hint(
            "`openclaw config set gateway.port <n>` chooses another port, or end the other program",
        ),
    ]
}

/// Says whether what listens there answers as a gateway does.
fn is_gateway(situation: &Situation<'_>, config: &ReadConfig) -> bool {
    let client = GatewayClient::new(situation.context, config);
    crate::runtime::single().is_ok_and(|runtime| runtime.block_on(client.is_there()))
}
