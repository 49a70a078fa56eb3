//! The page about continuous integration, and the action: what they say is run as it stands there, by a shell that
//! finds the command on its path.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ci.md");
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The blocks of the page that are of a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let fence = &line[..line.len() - line.trim_start_matches('`').len()];
        if fence.len() < 3 {
            continue;
        }
        let inside: String =
            lines.by_ref().take_while(|inner| *inner != fence).map(|inner| format!("{inner}\n")).collect();
        if &line[fence.len()..] == language {
            blocks.push(inside);
        }
    }
    blocks
}

/// A repository with the scenario of the page.
fn repository(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page").join(test);
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(directory.join("scenarios")).expect("the directory can be made");
    let [scenario] = &blocks("markdown")[..] else { panic!("the page shows one scenario") };
    fs::write(directory.join("scenarios/web.md"), scenario).expect("the file can be written");
    directory
}

/// A shell in a repository, as a runner starts it.
fn bash(repository: &Path, script: &str) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_netyard")).parent().expect("it is in a directory");
    let mut command = Command::new("/bin/bash");
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", built.display())).current_dir(repository);
    command.args(["-e", "-u", "-o", "pipefail", "-c", script]);
    command
}

/// What came of a script that ends well.
#[track_caller]
fn runs(command: &mut Command, script: &str) -> String {
    let Output { status, stdout, stderr } = command.output().expect("there is a bash");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{script}\n{stdout}{stderr}");
    stdout.into_owned()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("it is YAML")
}

#[test]
fn each_command_of_the_page_does_what_it_is_there_for() {
    let repository = repository("commands");
    let scripts = blocks("sh");
    assert_eq!(scripts.len(), 8);
    for script in &scripts {
        runs(&mut bash(&repository, script), script);
    }
    for made in ["results.json", "results.xml", "small.md", "web.svg", "moments.json", "netyard.bash", "netyard-test.1"]
    {
        assert!(fs::metadata(repository.join(made)).is_ok_and(|file| file.len() > 0), "{made}");
    }
}

#[test]
fn the_job_of_gitlab_leaves_its_report() {
    let [_, gitlab] = &blocks("yaml")[..] else { panic!("the page shows a job of GitHub and one of GitLab") };
    let job = &yaml(gitlab)["scenarios"];
    let repository = repository("gitlab");
    let lines: Vec<&str> = job["script"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let script = lines.join("\n");
    runs(&mut bash(&repository, &script), &script);
    let report = job["artifacts"]["reports"]["junit"].as_str().expect("a file");
    let report = fs::read_to_string(repository.join(report)).expect("it was written");
    assert!(report.contains("<testsuite") && !report.contains("<failure"), "{report}");
    assert!(repository.join(job["artifacts"]["paths"][0].as_str().expect("a directory")).is_dir());
}

/// Runs the script of the action as GitHub does, with its inputs.
fn act(repository: &Path, inputs: &Value) -> Output {
    let action = yaml(&fs::read_to_string(Path::new(TOP).join("action.yml")).expect("the action is there"));
    let step = &action["runs"]["steps"][1];
    let mut command = bash(repository, step["run"].as_str().expect("a script"));
    command.env("GITHUB_ACTION_PATH", TOP);
    for file in ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] {
        command.env(file, repository.join(file));
    }
    for (variable, expression) in step["env"].as_object().expect("variables") {
        let input = expression.as_str().and_then(|text| text.strip_prefix("${{ inputs.")?.strip_suffix(" }}"));
        let input = input.expect("each is an input");
        let default = &action["inputs"][input]["default"];
        let given = inputs.get(input).unwrap_or(default);
        command.env(variable, given.as_str().map_or_else(|| given.to_string(), str::to_owned));
    }
    let names = action["inputs"].as_object().expect("inputs");
    inputs.as_object().expect("inputs").keys().for_each(|name| assert!(names.contains_key(name), "no input {name}"));
    command.env("NETYARD_ACTION_NETYARD", env!("CARGO_BIN_EXE_netyard"));
    command.output().expect("there is a bash")
}

#[test]
fn the_action_plays_what_the_page_gives_it() {
    let job = yaml(&blocks("yaml")[0]);
    let steps = job["jobs"]["scenarios"]["steps"].as_array().expect("a list");
    let own = |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.starts_with("OWNER/netyard@"));
    let inputs = &steps.iter().find(own).expect("the action is used")["with"];
    let repository = repository("github");
    let Output { status, stdout, stderr } = act(&repository, inputs);
    let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{said}");
    let written = |file: &str| fs::read_to_string(repository.join(file)).expect("it was written");
    assert!(written("netyard-run/results.xml").contains("<testsuite"));
    assert_eq!(written("GITHUB_STEP_SUMMARY"), "netyard ended with 0; the run is in `netyard-run`.\n");
    let path = written("GITHUB_PATH");
    assert!(Path::new(path.trim_end()).join("netyard").is_file(), "{path}");
}

#[test]
fn the_action_fails_where_a_step_is_not_met_and_says_where() {
    let repository = repository("github-fails");
    let file = repository.join("scenarios/web.md");
    let broken = fs::read_to_string(&file).expect("it is there").replace("Address: 172.25.0.2", "Address: 172.25.0.9");
    fs::write(&file, broken).expect("it can be written");
    let Output { status, stdout, .. } = act(&repository, &serde_json::json!({}));
    let said = String::from_utf8_lossy(&stdout);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("::error file=scenarios/web.md,line=10"), "{said}");
}
