//! The flags of `docker service create` and `docker service update`, with a look at each value when it is typed.

use super::{port, spec};
use crate::cli::create::{mount, quantity};
use crate::cli::environment;
use crate::cli::flags::Flag;
use crate::cli::words;

pub(super) const CAP_ADD: Flag = Flag::list("cap-add", "Add Linux capabilities");
pub(super) const CAP_DROP: Flag = Flag::list("cap-drop", "Drop Linux capabilities");
pub(super) const CREDENTIAL_SPEC: Flag =
    Flag::text("credential-spec", "Credential spec for managed service account (Windows only)")
        .labelled("credential-spec")
        .checked(check_credentials);
pub(super) const DETACH: Flag =
    Flag::switch("detach", "Exit immediately instead of waiting for the service to converge").short('d');
pub(super) const ENDPOINT_MODE: Flag = Flag::text("endpoint-mode", "Endpoint mode (vip or dnsrr)");
pub(super) const ENTRYPOINT: Flag =
    Flag::text("entrypoint", "Overwrite the default ENTRYPOINT of the image").labelled("command").checked(words::check);
pub(super) const HEALTH_CMD: Flag = Flag::text("health-cmd", "Command to run to check health");
pub(super) const HEALTH_INTERVAL: Flag = Flag::duration("health-interval", "Time between running the check (ms|s|m|h)");
pub(super) const HEALTH_RETRIES: Flag = Flag::int("health-retries", "Consecutive failures needed to report unhealthy");
pub(super) const HEALTH_START_PERIOD: Flag = Flag::duration(
    "health-start-period",
    "Start period for the container to initialize before counting retries towards unstable (ms|s|m|h)",
);
pub(super) const HEALTH_TIMEOUT: Flag =
    Flag::duration("health-timeout", "Maximum time to allow one check to run (ms|s|m|h)");
pub(super) const HOSTNAME: Flag = Flag::text("hostname", "Container hostname");
pub(super) const INIT: Flag =
    Flag::switch("init", "Use an init inside each service container to forward signals and reap processes");
pub(super) const ISOLATION: Flag = Flag::text("isolation", "Service container isolation mode");
pub(super) const LIMIT_CPU: Flag = Flag::decimal("limit-cpu", "Limit CPUs");
pub(super) const LIMIT_MEMORY: Flag = Flag::bytes("limit-memory", "Limit Memory");
pub(super) const LIMIT_PIDS: Flag =
    Flag::int("limit-pids", "Limit maximum number of processes (default 0 = unlimited)");
pub(super) const LOG_DRIVER: Flag = Flag::text("log-driver", "Logging driver for service");
pub(super) const LOG_OPT: Flag = Flag::list("log-opt", "Logging driver options");
pub(super) const MAX_CONCURRENT: Flag =
    Flag::uint("max-concurrent", "Number of job tasks to run concurrently (default equal to --replicas)");
pub(super) const NO_HEALTHCHECK: Flag = Flag::switch("no-healthcheck", "Disable any container-specified HEALTHCHECK");
pub(super) const NO_RESOLVE_IMAGE: Flag =
    Flag::switch("no-resolve-image", "Do not query the registry to resolve image digest and supported platforms");
pub(super) const QUIET: Flag = Flag::switch("quiet", "Suppress progress output").short('q');
pub(super) const READ_ONLY: Flag = Flag::switch("read-only", "Mount the container's root filesystem as read only");
pub(super) const REPLICAS: Flag = Flag::uint("replicas", "Number of tasks");
pub(super) const REPLICAS_MAX_PER_NODE: Flag =
    Flag::uint("replicas-max-per-node", "Maximum number of tasks per node (default 0 = unlimited)");
pub(super) const RESERVE_CPU: Flag = Flag::decimal("reserve-cpu", "Reserve CPUs");
pub(super) const RESERVE_MEMORY: Flag = Flag::bytes("reserve-memory", "Reserve Memory");
pub(super) const RESTART_CONDITION: Flag =
    Flag::text("restart-condition", "Restart when condition is met (\"none\", \"on-failure\", \"any\")");
pub(super) const RESTART_DELAY: Flag =
    Flag::duration("restart-delay", "Delay between restart attempts (ns|us|ms|s|m|h)");
pub(super) const RESTART_MAX_ATTEMPTS: Flag =
    Flag::uint("restart-max-attempts", "Maximum number of restarts before giving up");
pub(super) const RESTART_WINDOW: Flag =
    Flag::duration("restart-window", "Window used to evaluate the restart policy (ns|us|ms|s|m|h)");
pub(super) const ROLLBACK_DELAY: Flag =
    Flag::duration("rollback-delay", "Delay between task rollbacks (ns|us|ms|s|m|h)");
pub(super) const ROLLBACK_FAILURE_ACTION: Flag =
    Flag::text("rollback-failure-action", "Action on rollback failure (\"pause\", \"continue\")");
pub(super) const ROLLBACK_MAX_FAILURE_RATIO: Flag =
    Flag::text("rollback-max-failure-ratio", "Failure rate to tolerate during a rollback")
        .labelled("float")
        .checked(check_ratio);
pub(super) const ROLLBACK_MONITOR: Flag =
    Flag::duration("rollback-monitor", "Duration after each task rollback to monitor for failure (ns|us|ms|s|m|h)");
pub(super) const ROLLBACK_ORDER: Flag =
    Flag::text("rollback-order", "Rollback order (\"start-first\", \"stop-first\")");
pub(super) const ROLLBACK_PARALLELISM: Flag = Flag::uint(
    "rollback-parallelism",
    "Maximum number of tasks rolled back simultaneously (0 to roll back all at once)",
);
pub(super) const STOP_GRACE_PERIOD: Flag =
    Flag::duration("stop-grace-period", "Time to wait before force killing a container (ns|us|ms|s|m|h)");
pub(super) const STOP_SIGNAL: Flag = Flag::text("stop-signal", "Signal to stop the container");
pub(super) const TTY: Flag = Flag::switch("tty", "Allocate a pseudo-TTY").short('t');
pub(super) const UPDATE_DELAY: Flag = Flag::duration("update-delay", "Delay between updates (ns|us|ms|s|m|h)");
pub(super) const UPDATE_FAILURE_ACTION: Flag =
    Flag::text("update-failure-action", "Action on update failure (\"pause\", \"continue\", \"rollback\")");
pub(super) const UPDATE_MAX_FAILURE_RATIO: Flag =
    Flag::text("update-max-failure-ratio", "Failure rate to tolerate during an update")
        .labelled("float")
        .checked(check_ratio);
pub(super) const UPDATE_MONITOR: Flag =
    Flag::duration("update-monitor", "Duration after each task update to monitor for failure (ns|us|ms|s|m|h)");
pub(super) const UPDATE_ORDER: Flag = Flag::text("update-order", "Update order (\"start-first\", \"stop-first\")");
pub(super) const UPDATE_PARALLELISM: Flag =
    Flag::uint("update-parallelism", "Maximum number of tasks updated simultaneously (0 to update all at once)");
pub(super) const USER: Flag = Flag::text("user", "Username or UID (format: <name|uid>[:<group|gid>])").short('u');
pub(super) const WITH_REGISTRY_AUTH: Flag =
    Flag::switch("with-registry-auth", "Send registry authentication details to swarm agents");
pub(super) const WORKDIR: Flag = Flag::text("workdir", "Working directory inside the container").short('w');

/// Those of `create`.
pub(super) const CREATE: &[Flag] = &[
    CAP_ADD,
    CAP_DROP,
    Flag::list("config", "Specify configurations to expose to the service").labelled("config"),
    Flag::list("constraint", "Placement constraints"),
    Flag::list("container-label", "Container labels"),
    CREDENTIAL_SPEC,
    DETACH,
    Flag::list("dns", "Set custom DNS servers"),
    Flag::list("dns-option", "Set DNS options"),
    Flag::list("dns-search", "Set custom DNS search domains"),
    ENDPOINT_MODE.default("vip"),
    ENTRYPOINT,
    Flag::list("env", "Set environment variables").short('e').checked(environment::check),
    Flag::list("env-file", "Read in a file of environment variables"),
    Flag::list("generic-resource", "User defined resources").checked(check_resource),
    Flag::list("group", "Set one or more supplementary user groups for the container"),
    HEALTH_CMD,
    HEALTH_INTERVAL,
    HEALTH_RETRIES,
    HEALTH_START_PERIOD,
    HEALTH_TIMEOUT,
    Flag::list("host", "Set one or more custom host-to-IP mappings (host:ip)"),
    HOSTNAME,
    INIT,
    ISOLATION,
    Flag::list("label", "Service labels").short('l').checked(environment::check_label),
    LIMIT_CPU,
    LIMIT_MEMORY,
    LIMIT_PIDS,
    LOG_DRIVER,
    LOG_OPT,
    MAX_CONCURRENT,
    Flag::text("mode", "Service mode (\"replicated\", \"global\", \"replicated-job\", \"global-job\")")
        .default("replicated"),
    Flag::list("mount", "Attach a filesystem mount to the service").labelled("mount").checked(mount::check),
    Flag::text("name", "Service name"),
    Flag::list("network", "Network attachments").labelled("network").checked(check_network),
    NO_HEALTHCHECK,
    NO_RESOLVE_IMAGE,
    Flag::list("placement-pref", "Add a placement preference").labelled("pref").checked(check_preference),
    Flag::list("publish", "Publish a port as a node port").labelled("port").short('p').checked(port::check),
    QUIET,
    READ_ONLY,
    REPLICAS,
    REPLICAS_MAX_PER_NODE,
    RESERVE_CPU,
    RESERVE_MEMORY,
    RESTART_CONDITION.default("any"),
    RESTART_DELAY.default("5s"),
    RESTART_MAX_ATTEMPTS,
    RESTART_WINDOW,
    ROLLBACK_DELAY.default("0s"),
    ROLLBACK_FAILURE_ACTION.default("pause"),
    ROLLBACK_MAX_FAILURE_RATIO.default("0"),
    ROLLBACK_MONITOR.default("5s"),
    ROLLBACK_ORDER.default("stop-first"),
    ROLLBACK_PARALLELISM.default("1"),
    Flag::list("secret", "Specify secrets to expose to the service").labelled("secret"),
    STOP_GRACE_PERIOD.default("10s"),
    STOP_SIGNAL,
    Flag::list("sysctl", "Sysctl options"),
    TTY,
    Flag::list("ulimit", "Ulimit options").labelled("ulimit").checked(quantity::ulimit).default("[]"),
    UPDATE_DELAY.default("0s"),
    UPDATE_FAILURE_ACTION.default("pause"),
    UPDATE_MAX_FAILURE_RATIO.default("0"),
    UPDATE_MONITOR.default("5s"),
    UPDATE_ORDER.default("stop-first"),
    UPDATE_PARALLELISM.default("1"),
    USER,
    WITH_REGISTRY_AUTH,
    WORKDIR,
];

/// Those of `update`.
pub(super) const UPDATE: &[Flag] = &[
    Flag::text("args", "Service command args").labelled("command").checked(words::check),
    CAP_ADD,
    CAP_DROP,
    Flag::list("config-add", "Add or update a config file on a service").labelled("config"),
    Flag::list("config-rm", "Remove a configuration file"),
    Flag::list("constraint-add", "Add or update a placement constraint"),
    Flag::list("constraint-rm", "Remove a constraint"),
    Flag::list("container-label-add", "Add or update a container label"),
    Flag::list("container-label-rm", "Remove a container label by its key"),
    CREDENTIAL_SPEC,
    DETACH,
    Flag::list("dns-add", "Add or update a custom DNS server"),
    Flag::list("dns-option-add", "Add or update a DNS option"),
    Flag::list("dns-option-rm", "Remove a DNS option"),
    Flag::list("dns-rm", "Remove a custom DNS server"),
    Flag::list("dns-search-add", "Add or update a custom DNS search domain"),
    Flag::list("dns-search-rm", "Remove a DNS search domain"),
    ENDPOINT_MODE,
    ENTRYPOINT,
    Flag::list("env-add", "Add or update an environment variable"),
    Flag::list("env-rm", "Remove an environment variable"),
    Flag::switch("force", "Force update even if no changes require it"),
    Flag::list("generic-resource-add", "Add a Generic resource").checked(check_resource),
    Flag::list("generic-resource-rm", "Remove a Generic resource"),
    Flag::list("group-add", "Add an additional supplementary user group to the container"),
    Flag::list("group-rm", "Remove a previously added supplementary user group from the container"),
    HEALTH_CMD,
    HEALTH_INTERVAL,
    HEALTH_RETRIES,
    HEALTH_START_PERIOD,
    HEALTH_TIMEOUT,
    Flag::list("host-add", "Add a custom host-to-IP mapping (\"host:ip\")"),
    Flag::list("host-rm", "Remove a custom host-to-IP mapping (\"host:ip\")"),
    HOSTNAME,
    Flag::text("image", "Service image tag"),
    INIT,
    ISOLATION,
    Flag::list("label-add", "Add or update a service label"),
    Flag::list("label-rm", "Remove a label by its key"),
    LIMIT_CPU,
    LIMIT_MEMORY,
    LIMIT_PIDS,
    LOG_DRIVER,
    LOG_OPT,
    MAX_CONCURRENT,
    Flag::list("mount-add", "Add or update a mount on a service").labelled("mount").checked(mount::check),
    Flag::list("mount-rm", "Remove a mount by its target path"),
    Flag::list("network-add", "Add a network").labelled("network").checked(check_network),
    Flag::list("network-rm", "Remove a network"),
    NO_HEALTHCHECK,
    NO_RESOLVE_IMAGE,
    Flag::list("placement-pref-add", "Add a placement preference").labelled("pref").checked(check_preference),
    Flag::list("placement-pref-rm", "Remove a placement preference").labelled("pref").checked(check_preference),
    Flag::list("publish-add", "Add or update a published port").labelled("port").checked(port::check),
    Flag::list("publish-rm", "Remove a published port by its target port").labelled("port").checked(port::check),
    QUIET,
    READ_ONLY,
    REPLICAS,
    REPLICAS_MAX_PER_NODE,
    RESERVE_CPU,
    RESERVE_MEMORY,
    RESTART_CONDITION,
    RESTART_DELAY,
    RESTART_MAX_ATTEMPTS,
    RESTART_WINDOW,
    Flag::switch("rollback", "Rollback to previous specification"),
    ROLLBACK_DELAY,
    ROLLBACK_FAILURE_ACTION,
    ROLLBACK_MAX_FAILURE_RATIO,
    ROLLBACK_MONITOR,
    ROLLBACK_ORDER,
    ROLLBACK_PARALLELISM,
    Flag::list("secret-add", "Add or update a secret on a service").labelled("secret"),
    Flag::list("secret-rm", "Remove a secret"),
    STOP_GRACE_PERIOD,
    STOP_SIGNAL,
    Flag::list("sysctl-add", "Add or update a Sysctl option"),
    Flag::list("sysctl-rm", "Remove a Sysctl option"),
    TTY,
    Flag::list("ulimit-add", "Add or update a ulimit option")
        .labelled("ulimit")
        .checked(quantity::ulimit)
        .default("[]"),
    Flag::list("ulimit-rm", "Remove a ulimit option"),
    UPDATE_DELAY,
    UPDATE_FAILURE_ACTION,
    UPDATE_MAX_FAILURE_RATIO,
    UPDATE_MONITOR,
    UPDATE_ORDER,
    UPDATE_PARALLELISM,
    USER,
    WITH_REGISTRY_AUTH,
    WORKDIR,
];

fn check_ratio(text: &str) -> Result<(), String> {
    let why = || format!("strconv.ParseFloat: parsing \"{text}\": invalid syntax");
    text.parse::<f32>().map(drop).map_err(|_| why())
}

fn check_preference(text: &str) -> Result<(), String> {
    spec::preference(text).map(drop)
}

fn check_network(text: &str) -> Result<(), String> {
    spec::network(text).map(drop)
}

fn check_resource(text: &str) -> Result<(), String> {
    spec::resource(text).map(drop)
}

fn check_credentials(text: &str) -> Result<(), String> {
    spec::credentials(text).map(drop)
}
