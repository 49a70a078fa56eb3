//! `docker update`: another restart policy or other limits for containers, one after the other.

use serde_json::{Map, Value, json};

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::create::body::{limits, policy};
use super::create::options::{
    BLKIO_WEIGHT, CPU_PERIOD, CPU_QUOTA, CPU_SHARES, CPUS, CPUSET_CPUS, CPUSET_MEMS, KERNEL_MEMORY, MEMORY,
    MEMORY_RESERVATION, PIDS_LIMIT, size_or_unlimited,
};
use super::flags::{Arguments, Flag, Order};
use super::object::items;
use super::script::{Cx, Failure, Next, Outcome, call, request_with};

/// The command.
pub(super) const UPDATE: Command = Command {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Update configuration of one or more containers",
    aliases: "docker container update, docker update",
    flags: &[
        BLKIO_WEIGHT,
        CPU_PERIOD,
        CPU_QUOTA,
        Flag::int("cpu-rt-period", "Limit the CPU real-time period in microseconds"),
        Flag::int("cpu-rt-runtime", "Limit the CPU real-time runtime in microseconds"),
        CPU_SHARES,
        CPUS,
        CPUSET_CPUS,
        CPUSET_MEMS,
        KERNEL_MEMORY.hidden(),
        MEMORY,
        MEMORY_RESERVATION,
        Flag::text("memory-swap", "Swap limit equal to memory plus swap: -1 to enable unlimited swap")
            .labelled("bytes")
            .checked(size_or_unlimited),
        PIDS_LIMIT,
        Flag::text("restart", "Restart policy to apply when a container exits"),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    if typed.is_empty() {
        return Err(Failure::new("you must provide one or more flags when using this command"));
    }
    let mut asked = Map::new();
    limits(typed, &mut asked);
    for (flag, name) in [("cpuset-cpus", "CpusetCpus"), ("cpuset-mems", "CpusetMems")] {
        asked.insert(name.to_owned(), json!(typed.text(flag).unwrap_or_default()));
    }
    asked.insert("RestartPolicy".to_owned(), policy(typed.text("restart").unwrap_or_default())?);
    let left = typed.rest.iter().rev().cloned().collect();
    Update { left, asked: Value::Object(asked), warnings: Vec::new(), refused: Vec::new() }.next(cx)
}

/// An update under way: the names that are left, the next one last.
#[derive(Clone)]
struct Update {
    left: Vec<String>,
    asked: Value,
    warnings: Vec<String>,
    refused: Vec<String>,
}

impl Update {
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else { return self.finish(cx) };
        let path = match checked(&name) {
            Ok(name) => format!("/containers/{name}/update"),
            Err(failure) => {
                self.refused.push(failure.message);
                return self.next(cx);
            }
        };
        call(cx, request_with("POST", &path, &self.asked), move |reply, cx| {
            match reply.json() {
                Ok(done) => {
                    cx.print_line(&name);
                    self.warnings.extend(items(&done["Warnings"]).iter().filter_map(Value::as_str).map(str::to_owned));
                }
                Err(failure) => self.refused.push(failure.message),
            }
            self.next(cx)
        })
    }

    fn finish(self, cx: &mut Cx<'_>) -> Outcome {
        if !self.warnings.is_empty() {
            cx.print_line(&self.warnings.join("\n"));
        }
        if self.refused.is_empty() { Ok(Next::Exit(0)) } else { Err(Failure::new(self.refused.join("\n"))) }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn each_container_is_updated_and_what_went_wrong_comes_last() {
        let mut play = Play::new("docker update --restart on-failure:3 --cpus 1.5 c1 nosuch");
        assert_eq!(play.requests(), ["POST /v1.41/containers/c1/update"]);
        let expected = r#"{"NanoCpus":1500000000,"CpusetCpus":"","CpusetMems":"","RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}"#;
        assert_eq!(play.body(0), expected);
        play.answer(0, 200, r#"{"Warnings":["Weight discarded."]}"#);
        play.answer(1, 404, no_such_container("nosuch"));
        assert_eq!(play.stdout(), "c1\nWeight discarded.\n");
        assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
        assert_eq!(play.exit(), Some(1));
    }

    #[test]
    fn something_must_be_asked_for() {
        let play = Play::new("docker update c1");
        assert_eq!(play.stderr(), "you must provide one or more flags when using this command\n");
        let play = Play::new("docker update --restart :5 c1");
        assert_eq!(play.stderr(), "invalid restart policy format: no policy provided before colon\n");
    }
}
