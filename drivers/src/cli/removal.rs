//! Removing things that are named: one request each, one after the other. What could not be removed is told at the end.

use super::query::path_escaped;
use super::script::{Cx, Outcome, call, finish, request};

/// Removes what these names mean below a path of the API, with what the request says behind the name.
pub(super) fn each(path: &'static str, names: &[String], query: String, cx: &mut Cx<'_>) -> Outcome {
    Removal { path, query, left: names.iter().rev().cloned().collect(), failures: Vec::new() }.next(cx)
}

/// What is under way.
#[derive(Clone)]
struct Removal {
    path: &'static str,
    query: String,
    /// The next is the last.
    left: Vec<String>,
    failures: Vec<String>,
}

impl Removal {
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else { return finish(&self.failures) };
        let path = format!("{}/{}{}", self.path, path_escaped(&name), self.query);
        call(cx, request("DELETE", &path), move |reply, cx| {
            match reply.accepted() {
                Ok(_) => cx.print_line(&name),
                Err(failure) => self.failures.push(failure.message),
            }
            self.next(cx)
        })
    }
}
