//! What curl tells of a transfer: the variables of `-w`.

use super::Trouble;
use super::transfer::Transfer;
use crate::time::Instant;

/// The text of `-w` with its variables filled in, and the names that curl does not know.
pub(super) fn written_out(
    format: &str,
    transfer: Option<&Transfer>,
    result: &Result<(), Trouble>,
    now: Instant,
) -> (String, Vec<String>) {
    let format = format.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let (mut text, mut unknown) = (String::new(), Vec::new());
    let mut rest = format.as_str();
    while let Some((before, after)) = rest.split_once("%{") {
        text += before;
        let Some((name, after)) = after.split_once('}') else { break };
        match variable(name, transfer, result, now) {
            Some(value) => text += &value,
            None => unknown.push(name.to_owned()),
        }
        rest = after;
    }
    ((text + rest).replace("%%", "%"), unknown)
}

fn variable(name: &str, transfer: Option<&Transfer>, result: &Result<(), Trouble>, now: Instant) -> Option<String> {
    let facts = transfer.map(|transfer| transfer.facts(now)).unwrap_or_default();
    let seconds = |time: core::time::Duration| format!("{:.6}", time.as_secs_f64());
    Some(match name {
        "http_code" | "response_code" => format!("{:03}", facts.status),
        "content_type" => facts.content_type,
        "exitcode" => result.as_ref().map_or_else(|(code, _)| code.to_string(), |()| "0".to_owned()),
        "errormsg" => result.as_ref().err().map(|(_, text)| text.clone()).unwrap_or_default(),
        "http_version" => if facts.status == 0 { "0" } else { "1.1" }.to_owned(),
        "local_ip" => facts.local.map(|at| at.ip().to_string()).unwrap_or_default(),
        "local_port" => facts.local.map_or_else(|| "0".to_owned(), |at| at.port().to_string()),
        "remote_ip" => facts.peer.map(|at| at.ip().to_string()).unwrap_or_default(),
        "remote_port" => facts.peer.map_or_else(|| "0".to_owned(), |at| at.port().to_string()),
        "method" => facts.method,
        "num_connects" => facts.connects.to_string(),
        "num_redirects" => facts.redirects.to_string(),
        "redirect_url" => facts.redirect_url,
        "scheme" => "HTTP".to_owned(),
        "size_download" => facts.received.to_string(),
        "size_header" => facts.head_len.to_string(),
        "size_request" => facts.request_len.to_string(),
        "speed_download" => {
            let millis = u64::try_from(facts.total.as_millis()).unwrap_or(u64::MAX).max(1);
            (facts.received.saturating_mul(1000) / millis).to_string()
        }
        "time_connect" => seconds(facts.connected),
        "time_total" => seconds(facts.total),
        "url" | "url_effective" | "urle.url" => facts.url,
        _ => return None,
    })
}
