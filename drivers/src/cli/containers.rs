//! What commands on several containers share: one call for each name, all of them at once, and the names of those that
//! went well printed in the order they were typed.

use netyard_sim::userland::Request;

use super::query::path_escaped;
use super::script::{Cx, Failure, Gather, Next, Outcome, Reply};

/// A container's name or id as part of a path.
pub(super) fn checked(name: &str) -> Result<String, Failure> {
    match name.trim() {
        "" => Err(Failure::new("invalid container name or ID: value is empty")),
        name => Ok(path_escaped(name)),
    }
}

/// Asks for each of `names` at once; prints those that the engine accepted and then what it objected to.
pub(super) fn each(
    names: &[String],
    cx: &mut Cx<'_>,
    request: impl Fn(&str) -> Result<Request, Failure>,
    code_of_failures: i32,
) -> Outcome {
    let mut refused = Vec::new();
    let mut asked = Vec::new();
    let mut tickets = Vec::new();
    for name in names {
        match request(name) {
            Ok(request) => {
                tickets.push(cx.open(request));
                asked.push(name.clone());
            }
            Err(failure) => refused.push(failure.message),
        }
    }
    asked.reverse();
    let names = Names { left: asked, refused, code: code_of_failures };
    Ok(Next::Each(tickets, Box::new(names)))
}

/// The names whose answers have not come, the next one last, and what was objected to.
#[derive(Clone)]
struct Names {
    left: Vec<String>,
    refused: Vec<String>,
    code: i32,
}

impl Gather for Names {
    fn take(&mut self, reply: Reply, cx: &mut Cx<'_>) {
        let name = self.left.pop().expect("an answer for each name");
        match reply.accepted() {
            Ok(_) => cx.print_line(&name),
            Err(failure) => self.refused.push(failure.message),
        }
    }

    fn finish(self: Box<Self>, _: &mut Cx<'_>) -> Outcome {
        if self.refused.is_empty() {
            return Ok(Next::Exit(0));
        }
        Err(Failure::new(self.refused.join("\n")).code(self.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_path_keeps_its_slashes() {
        assert_eq!(checked("c2/c1").expect("a link"), "c2/c1");
        assert_eq!(checked("a b?c").expect("a name"), "a%20b%3Fc");
        assert_eq!(checked(" "), Err(Failure::new("invalid container name or ID: value is empty")));
    }
}
