//! `docker service scale`.

use serde_json::json;

use super::spec::set;
use super::{flags, progress};
use crate::cli::command::{Arity, Command};
use crate::cli::flags::unsigned;
use crate::cli::object::text;
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Outcome, call, finish, request, request_with};

/// The command.
pub(in super::super) const SCALE: Command = Command {
    usage: "SERVICE=REPLICAS [SERVICE=REPLICAS...]",
    about: "Scale one or multiple replicated services",
    aliases: "",
    flags: &[flags::DETACH],
    arity: Arity::AtLeast(1),
    run: |typed, cx| {
        if let Some(word) = typed.rest.iter().find(|word| !word.contains('=')) {
            return Err(Failure::new(format!(
                "invalid scale specifier '{word}'.\nSee 'docker service scale --help'.\n\nUsage:  docker service scale \
                 SERVICE=REPLICAS [SERVICE=REPLICAS...]\n\nScale one or multiple replicated services"
            )));
        }
        scale(typed.rest.iter().rev().cloned().collect(), Vec::new(), progress::is_wanted(typed).then(Vec::new), cx)
    },
    ..super::LS
};

/// Scales services; the next is the last of `left`. What was scaled is watched at the end, when somebody waits.
fn scale(mut left: Vec<String>, mut failures: Vec<String>, scaled: Option<Vec<String>>, cx: &mut Cx<'_>) -> Outcome {
    let Some(word) = left.pop() else { return watch(scaled.unwrap_or_default(), failures, cx) };
    let (name, count) = word.split_once('=').unwrap_or((&word, ""));
    let (name, count) = (name.to_owned(), count.to_owned());
    if let Err(why) = unsigned(&count, 64) {
        failures.push(format!("{name}: invalid replicas value {count}: {why}"));
        return scale(left, failures, scaled, cx);
    }
    call(cx, request("GET", &format!("/services/{}", path_escaped(&name))), move |reply, cx| {
        let service = match reply.json() {
            Ok(service) => service,
            Err(failure) => {
                failures.push(format!("{name}: {}", failure.message));
                return scale(left, failures, scaled, cx);
            }
        };
        let mut spec = service["Spec"].clone();
        let counted = ["/Mode/Replicated/Replicas", "/Mode/ReplicatedJob/TotalCompletions"];
        match counted.into_iter().find(|at| spec.pointer(at).is_some()) {
            Some(at) => set(&mut spec, at, json!(count.parse::<u64>().unwrap_or_default())),
            None => {
                failures.push(format!("{name}: scale can only be used with replicated or replicated-job mode"));
                return scale(left, failures, scaled, cx);
            }
        }
        let path = format!("/services/{}/update?version={}", text(&service, "ID"), service["Version"]["Index"]);
        call(cx, request_with("POST", &path, &spec), move |reply, cx| {
            let mut scaled = scaled;
            match reply.accepted() {
                Ok(_) => {
                    cx.print_line(&format!("{name} scaled to {count}"));
                    scaled.iter_mut().for_each(|scaled| scaled.push(name.clone()));
                }
                Err(failure) => failures.push(format!("{name}: {}", failure.message)),
            }
            scale(left, failures, scaled, cx)
        })
    })
}

fn watch(mut scaled: Vec<String>, failures: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
    if scaled.is_empty() {
        return finish(&failures);
    }
    let name = scaled.remove(0);
    progress::watch(&name, &name, false, cx, |cx| watch(scaled, failures, cx))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn several_services_are_scaled_and_what_cannot_be_is_told() {
        let mut play = Play::new("docker service scale -d svc=3 nosuch=1 x=a");
        play.answer(0, 200, r#"{"ID":"s1","Version":{"Index":7},"Spec":{"Mode":{"Replicated":{"Replicas":1}}}}"#);
        assert_eq!(play.requests()[1], "POST /v1.41/services/s1/update?version=7");
        assert_eq!(play.body(1), r#"{"Mode":{"Replicated":{"Replicas":3}}}"#);
        play.answer(1, 200, "{}");
        play.answer(2, 404, r#"{"message":"service nosuch not found"}"#);
        let told = "nosuch: Error response from daemon: service nosuch not found\nx: invalid replicas value a: \
                    strconv.ParseUint: parsing \"a\": invalid syntax\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("svc scaled to 3\n", told, Some(1)));
    }
}
