//! A smaller scenario made of a larger one: some of its steps, and a head with fewer entries. Prose is left out, for it speaks
//! of what may be gone. It does not say which steps; see [`shrink`](crate::runner::shrink).

use serde_json::Value;

use super::Scenario;
use super::fault::Fault;
use super::head::Head;
use super::markdown::outline;
use super::step::Step;

/// The keys of a head that say how a scenario is played and judged, not what its world is like.
const PLAYED: [&str; 3] = ["expect", "seed", "time-limit"];

/// A head as what is written: keys, their entries, and the entries of those.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entries(Value);

impl Entries {
    /// The entries of a scenario's head.
    ///
    /// # Panics
    /// Never: the scenario was read from its text.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let head = outline(&scenario.text).expect("the scenario was read from it").head;
        let empty = || Value::Object(serde_json::Map::new());
        let read = serde_saphyr::from_str::<Value>(&scenario.text[head]).ok();
        Self(read.filter(Value::is_object).unwrap_or_else(empty))
    }

    /// Sets a key.
    pub fn set(&mut self, key: &str, value: Value) {
        self.0[key] = value;
    }

    /// Where something can be left out, the larger part before its own parts: keys, and hosts by their names.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        parts(&self.0, &mut Vec::new(), &mut paths);
        paths.retain(|path| !PLAYED.contains(&path[0].as_str()));
        paths
    }

    /// The same without what is at `path`; without a host, also without what is said of it elsewhere.
    #[must_use]
    pub fn without(&self, path: &[String]) -> Self {
        let mut left = self.clone();
        cut(&mut left.0, path);
        if let [key, host] = path
            && key == "hosts"
        {
            for key in ["links", "engines"] {
                cut(&mut left.0, &[key.to_owned(), host.clone()]);
            }
        }
        left
    }

    /// The head that it says.
    ///
    /// # Errors
    /// What is wrong with it, such as a link of a host that is gone.
    pub fn head(&self) -> Result<Head, Fault> {
        let yaml = self.to_yaml();
        Head::parse(&yaml, 0).map_err(|(kind, span)| Fault::new("the head", &yaml, kind, span))
    }

    /// Its lines; none when there is nothing to say.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        match self.0.as_object() {
            Some(keys) if !keys.is_empty() => serde_saphyr::to_string(&self.0).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// The paths to all parts of `value`, which is at `at`.
fn parts(value: &Value, at: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let names: Vec<String> = match value {
        Value::Object(keys) => keys.keys().cloned().collect(),
        Value::Array(entries) => entries.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    for name in names {
        at.push(name.clone());
        paths.push(at.clone());
        if let Some(part) = value.get(&name) {
            parts(part, at, paths);
        }
        at.pop();
    }
}

fn cut(value: &mut Value, path: &[String]) {
    match (value, path) {
        (Value::Object(keys), [key]) => drop(keys.shift_remove(key)),
        (Value::Object(keys), [key, rest @ ..]) => {
            if let Some(part) = keys.get_mut(key) {
                cut(part, rest);
            }
        }
        (Value::Array(entries), [name]) => entries.retain(|entry| entry.as_str() != Some(name)),
        _ => {}
    }
}

/// The text of a scenario file with this title and head and the steps of `scenario`, written as they are in its text.
#[must_use]
pub fn text(title: &str, head: &Entries, scenario: &Scenario) -> String {
    let yaml = head.to_yaml();
    let mut text = if yaml.is_empty() { String::new() } else { format!("---\n{}\n---\n", yaml.trim_end()) };
    let typed: Vec<String> = scenario.steps.iter().map(|step| written(scenario, step)).collect();
    let longest = typed.iter().flat_map(|step| step.lines()).map(ticks).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    text.push_str(&format!("# {title}\n\n{fence}console\n{}{fence}\n", typed.concat()));
    text
}

/// The backticks at the beginning of a line.
fn ticks(line: &str) -> usize {
    let content = line.trim_start();
    content.len() - content.trim_start_matches('`').len()
}

/// The lines of a step without the indentation of its block.
fn written(scenario: &Scenario, step: &Step) -> String {
    let before = &scenario.text[..step.prompt.start];
    let indent = step.prompt.start - before.rfind('\n').map_or(0, |end| end + 1);
    let unindent = |line: &str| {
        let spaces = line.bytes().take(indent).take_while(|byte| *byte == b' ').count();
        line[spaces..].trim_end_matches('\r').to_owned() + "\n"
    };
    let (typed, rest) = scenario.text[step.prompt.end..step.body.end].split_once('\n').unwrap_or_default();
    let place = step.place.as_deref().unwrap_or_default();
    format!("{place}${}\n{}", typed.trim_end_matches('\r'), rest.lines().map(unindent).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\nhosts: [a, b]\nseed: 7\nlinks: {b: {delay: 5ms}}\n---\n- in a list:\n\n  ```console\n  $ \
                        echo x \\\n      y\n  x y\n\n  b$ true\n  ```\n";

    fn scenario() -> Scenario {
        Scenario::parse("a.md", TEXT.to_owned()).expect("the file is right")
    }

    #[test]
    fn entries_are_left_out_one_by_one() {
        let entries = Entries::of(&scenario());
        let paths: Vec<String> = entries.paths().iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["hosts", "hosts.a", "hosts.b", "links", "links.b", "links.b.delay"]);
        let without = |path: &[&str]| entries.without(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        let alone = without(&["hosts", "b"]);
        assert_eq!(alone.to_yaml().trim_end(), "hosts:\n- a\nseed: 7\nlinks: {}");
        assert_eq!(alone.head().expect("it is right").hosts, ["a"]);
        assert!(without(&["hosts"]).head().is_err(), "a link of a host that is gone");
    }

    #[test]
    fn steps_are_written_as_they_were_and_read_again() {
        let scenario = scenario();
        let text = text("Two", &Entries::of(&scenario), &scenario);
        let again = Scenario::parse("b.md", text.clone()).expect("the excerpt is right");
        assert_eq!(again.head, scenario.head);
        let told = |scenario: &Scenario| -> Vec<(String, Vec<String>)> {
            scenario.steps.iter().map(|step| (step.command.clone(), step.written.clone())).collect()
        };
        assert_eq!(told(&again), told(&scenario), "{text}");
    }
}
