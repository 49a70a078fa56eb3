//! `GET /containers/{name}/stats`: what a container has used. Only its network is counted here; of processor and memory
//! it is said that there is nothing to tell.

use netyard_sim::time::{Duration, Instant};
use netyard_sim::world::World;
use serde_json::{Map, Value, json};

use super::{Call, Engine, ExchangeId, Media, Output, Reply};
use crate::container::Container;
use crate::date;
use crate::error::Error;
use crate::id::Id;

/// How often a client is told.
const PERIOD: Duration = Duration::from_secs(1);
/// What no limit is to the kernel.
const UNLIMITED: u64 = 9_223_372_036_854_771_712;

/// A client that is told again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub(super) exchange: ExchangeId,
    pub(super) container: Id,
    /// When it is told next.
    pub(super) due: Instant,
    /// Whether that is all that it wants.
    once: bool,
}

impl Engine {
    /// `GET /containers/{name}/stats`. One look compares with a second before, and so takes a second.
    pub(super) fn container_stats(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let container = self.find_container(name)?.id;
        let once = query.has("stream") && !query.flag("stream");
        if once && (query.flag("one-shot") || !self.containers[&container].is_running()) {
            return Ok(Reply::ok(&self.stats(world, container, None)));
        }
        self.head(call.exchange, 200, Media::Json);
        let due = if once { world.now() + PERIOD } else { world.now() };
        self.watchers.push(Watcher { exchange: call.exchange, container, due, once });
        if !once {
            self.tell_watchers(world);
        }
        Ok(Reply::Later)
    }

    /// Tells all whose time has come.
    pub(super) fn tell_watchers(&mut self, world: &World) {
        let now = world.now();
        let due: Vec<Watcher> = self.watchers.extract_if(.., |watcher| watcher.due <= now).collect();
        for watcher in due {
            let exchange = watcher.exchange;
            let line = self.stats(world, watcher.container, Some(now)).to_string() + "\n";
            self.outbox.push_back(Output::Body { exchange, bytes: line.into_bytes() });
            if watcher.once {
                self.outbox.push_back(Output::End { exchange });
            } else {
                self.watchers.push(Watcher { due: now + PERIOD, ..watcher });
            }
        }
    }

    /// A container that is gone has nothing to tell.
    pub(super) fn end_watchers(&mut self, container: Id) {
        for watcher in self.watchers.extract_if(.., |watcher| watcher.container == container) {
            self.outbox.push_back(Output::End { exchange: watcher.exchange });
        }
    }

    fn stats(&self, world: &World, id: Id, read: Option<Instant>) -> Value {
        let container = &self.containers[&id];
        let name = format!("/{}", container.name);
        if !container.is_running() {
            return idle(&name, id);
        }
        let now = read.unwrap_or_else(|| world.now());
        let before = Instant::from_nanos(now.as_nanos().saturating_sub(1_000_000_000));
        let context = container.context.expect("a running container has files");
        let processes = world.processes.pids_of(context).len();
        let mut stats = json!({
            "read": date::rfc3339(self.epoch, now), "preread": date::rfc3339(self.epoch, before),
            "pids_stats": { "current": processes },
            "blkio_stats": {
                "io_service_bytes_recursive": [], "io_serviced_recursive": [], "io_queue_recursive": [],
                "io_service_time_recursive": [], "io_wait_time_recursive": [], "io_merged_recursive": [],
                "io_time_recursive": [], "sectors_recursive": [],
            },
            "num_procs": 0, "storage_stats": {}, "cpu_stats": processor(now), "precpu_stats": processor(before),
            "memory_stats": memory(), "name": name, "id": id,
        });
        if let Some(networks) = self.traffic(world, container) {
            stats["networks"] = networks;
        }
        stats
    }

    /// What has passed each interface but lo; none for a container without a network of its own.
    fn traffic(&self, world: &World, container: &Container) -> Option<Value> {
        let namespace = self.namespace_of(container).filter(|_| container.config.mode.is_own_namespace())?;
        let devices = world.fabric.namespace(namespace).devices.values().filter(|device| !device.is_loopback());
        let networks: Map<String, Value> = devices
            .map(|device| {
                let passed = device.counters;
                let counters = json!({
                    "rx_bytes": passed.rx_bytes, "rx_packets": passed.rx_packets, "rx_errors": 0,
                    "rx_dropped": passed.rx_dropped, "tx_bytes": passed.tx_bytes, "tx_packets": passed.tx_packets,
                    "tx_errors": 0, "tx_dropped": passed.tx_dropped,
                });
                (device.name.to_string(), counters)
            })
            .collect();
        (!networks.is_empty()).then_some(Value::Object(networks))
    }
}

/// What is said of a container that does not run.
fn idle(name: &str, id: Id) -> Value {
    json!({
        "read": date::NEVER, "preread": date::NEVER, "pids_stats": {},
        "blkio_stats": {
            "io_service_bytes_recursive": null, "io_serviced_recursive": null, "io_queue_recursive": null,
            "io_service_time_recursive": null, "io_wait_time_recursive": null, "io_merged_recursive": null,
            "io_time_recursive": null, "sectors_recursive": null,
        },
        "num_procs": 0, "storage_stats": {}, "cpu_stats": no_processor(), "precpu_stats": no_processor(),
        "memory_stats": {}, "name": name, "id": id,
    })
}

fn no_processor() -> Value {
    json!({
        "cpu_usage": { "total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0 },
        "throttling_data": { "periods": 0, "throttled_periods": 0, "throttled_time": 0 },
    })
}

/// Programs here take no processor time; the machine's own two processors go on.
fn processor(at: Instant) -> Value {
    json!({
        "cpu_usage": {
            "total_usage": 0, "percpu_usage": [0, 0], "usage_in_kernelmode": 0, "usage_in_usermode": 0,
        },
        "system_cpu_usage": at.as_nanos().saturating_mul(2), "online_cpus": 2,
        "throttling_data": { "periods": 0, "throttled_periods": 0, "throttled_time": 0 },
    })
}

/// The kernel's counters, of which none is kept here.
fn memory() -> Value {
    const COUNTED: [&str; 18] = [
        "active_anon",
        "active_file",
        "cache",
        "dirty",
        "hierarchical_memory_limit",
        "hierarchical_memsw_limit",
        "inactive_anon",
        "inactive_file",
        "mapped_file",
        "pgfault",
        "pgmajfault",
        "pgpgin",
        "pgpgout",
        "rss",
        "rss_huge",
        "total",
        "unevictable",
        "writeback",
    ];
    let limit = |key: &str| if key.starts_with("hierarchical") { UNLIMITED } else { 0 };
    let mut stats = Map::new();
    for key in COUNTED {
        if key == "total" {
            let totals = COUNTED.iter().filter(|key| !key.starts_with("hierarchical") && **key != "total");
            stats.extend(totals.map(|key| (format!("total_{key}"), json!(0))));
        } else {
            stats.insert(key.to_owned(), json!(limit(key)));
        }
    }
    json!({ "usage": 0, "max_usage": 0, "stats": stats, "limit": super::system::MEMORY })
}
