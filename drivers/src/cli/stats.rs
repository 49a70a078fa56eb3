//! `docker stats`: what containers use, once.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::listing::{FORMAT, Kind};
use super::object::{items, short_id, text};
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command. The engine's numbers do not move while nobody looks, so that one look is all there is to see.
pub(super) const STATS: Command = Command {
    usage: "[OPTIONS] [CONTAINER...]",
    about: "Display a live stream of container(s) resource usage statistics",
    aliases: "docker container stats, docker stats",
    flags: &[
        Flag::switch("all", "Show all containers (default shows just running)").short('a'),
        FORMAT,
        Flag::switch("no-stream", "Disable streaming stats and only pull the first result"),
        Flag::switch("no-trunc", "Do not truncate output"),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(0),
    decorate: plain,
    run,
};

const KIND: Kind = Kind {
    type_name: "*container.statsContext",
    headers: &[
        ("Container", "CONTAINER"),
        ("Name", "NAME"),
        ("ID", "CONTAINER ID"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("PIDs", "PIDS"),
    ],
    default: "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
    quiet: "{{.ID}}",
    raw: "",
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    // A format that cannot be read is told before anybody is asked.
    KIND.format(typed.text("format"), false)?;
    let typed = typed.clone();
    if !typed.rest.is_empty() {
        let left = typed.rest.iter().rev().cloned().collect();
        return Look { typed, left, rows: Vec::new() }.next(cx);
    }
    let all = if typed.is_on("all") { "?all=1" } else { "" };
    call(cx, request("GET", &format!("/containers/json{all}")), move |reply, cx| {
        let containers = reply.json()?;
        let left = items(&containers).iter().rev().map(|container| short_id(text(container, "Id")).to_owned());
        Look { left: left.collect(), typed, rows: Vec::new() }.next(cx)
    })
}

/// A look at containers, one after the other; the next one last.
#[derive(Clone)]
struct Look {
    typed: Arguments,
    left: Vec<String>,
    rows: Vec<Value>,
}

impl Look {
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else {
            let format = KIND.format(self.typed.text("format"), false)?;
            KIND.print(&format, &self.rows, cx)?;
            return Ok(Next::Exit(0));
        };
        call(cx, request("GET", &format!("/containers/{}/stats?stream=0", checked(&name)?)), move |reply, cx| {
            let sample = reply.json().map_err(|failure| Failure::new(failure.message))?;
            self.rows.push(row(&name, &sample, self.typed.is_on("no-trunc")));
            self.next(cx)
        })
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn row(name: &str, sample: &Value, whole: bool) -> Value {
    let id = text(sample, "id");
    let memory = &sample["memory_stats"];
    let cache = ["total_inactive_file", "inactive_file"].iter().map(|key| number(&memory["stats"][key]));
    let used = number(&memory["usage"]).saturating_sub(cache.max().unwrap_or(0));
    let limit = number(&memory["limit"]);
    let networks = sample["networks"].as_object().into_iter().flat_map(serde_json::Map::values);
    let (received, sent) = networks.fold((0, 0), |(received, sent), network| {
        (received + number(&network["rx_bytes"]), sent + number(&network["tx_bytes"]))
    });
    let blocks = |verb: &str| -> u64 {
        let entries = items(&sample["blkio_stats"]["io_service_bytes_recursive"]).iter();
        entries.filter(|entry| text(entry, "op").eq_ignore_ascii_case(verb)).map(|entry| number(&entry["value"])).sum()
    };
    let two = |a: u64, b: u64| format!("{} / {}", human::size(a, 3), human::size(b, 3));
    json!({
        "BlockIO": two(blocks("read"), blocks("write")),
        "CPUPerc": percent(cpu_share(sample), 1),
        "Container": name,
        "ID": if whole { id } else { short_id(id) },
        "MemPerc": percent(used.saturating_mul(100), limit),
        "MemUsage": format!("{} / {}", human::binary_size(used), human::binary_size(limit)),
        "Name": text(sample, "name").trim_start_matches('/'),
        "NetIO": two(received, sent),
        "PIDs": number(&sample["pids_stats"]["current"]).to_string(),
    })
}

/// Hundredths of a processor's time between two looks.
fn cpu_share(sample: &Value) -> u64 {
    let delta = |path: &str| {
        let at = |part: &str| sample.pointer(&format!("/{part}/{path}")).map_or(0, number);
        at("cpu_stats").saturating_sub(at("precpu_stats"))
    };
    let (used, system) = (delta("cpu_usage/total_usage"), delta("system_cpu_usage"));
    let processors = number(&sample["cpu_stats"]["online_cpus"]).max(1);
    used.saturating_mul(processors).saturating_mul(100).checked_div(system).unwrap_or(0)
}

/// `part` of `whole` with two decimals.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = part.saturating_mul(100).checked_div(whole).unwrap_or(0);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    const SAMPLE: &str = r#"{"id":"cf5d31f7d6628c2049351c7f","name":"/c1","pids_stats":{"current":2},
        "memory_stats":{"usage":360448,"limit":8589934592,"stats":{}},
        "networks":{"eth0":{"rx_bytes":1090,"tx_bytes":0}}}"#;

    #[test]
    fn one_line_a_container() {
        let mut play = Play::new("docker stats --no-stream c1");
        assert_eq!(play.requests(), ["GET /v1.41/containers/c1/stats?stream=0"]);
        play.answer(0, 200, SAMPLE);
        let expected = "\
CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O       BLOCK I/O   PIDS
cf5d31f7d662   c1        0.00%     352KiB / 8GiB       0.00%     1.09kB / 0B   0B / 0B     2
";
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn one_that_is_not_there_is_told() {
        let mut play = Play::new("docker stats --no-stream nosuch");
        play.answer(0, 404, no_such_container("nosuch"));
        assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
        assert_eq!(play.exit(), Some(1));
    }
}
