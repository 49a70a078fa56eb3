//! `netyard check`, and what the command line says of itself.

use std::fs;
use std::path::{Path, PathBuf};

use snapbox::str;

use crate::netyard;

/// A copy of the doubtful fixture in which an address stands that only this seed gives.
fn doubtful(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check").join(test);
    fs::create_dir_all(&directory).expect("the directory can be made");
    fs::copy("tests/fixtures/doubtful.md", directory.join("doubtful.md")).expect("the fixture is there");
    netyard("test --update doubtful.md").current_dir(&directory).assert().code(0);
    directory
}

#[test]
fn what_is_doubtful_is_told_with_file_and_line() {
    let directory = doubtful("human");
    let run = netyard("check doubtful.md").current_dir(&directory).assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
doubtful.md:8: `app` on n1 is c1 and c2: which one answers is chance [shared-alias]
doubtful.md:10: `...` alone stands for any output, so this can hardly fail [vacuous]
doubtful.md:15: `02:42:79:11:56:7d` is chance, another seed gives `02:42:03:40:4d:b2`: write a mask, such as [ID], [MAC] or [..] [unmasked]

"#]]);
}

#[test]
fn it_can_be_told_to_programs() {
    let directory = doubtful("json");
    let run = netyard("check --format json doubtful.md").current_dir(&directory).assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
{"event":"lint","file":"doubtful.md","line":8,"lint":"shared-alias","message":"`app` on n1 is c1 and c2: which one answers is chance"}
{"event":"lint","file":"doubtful.md","line":10,"lint":"vacuous","message":"`...` alone stands for any output, so this can hardly fail"}
{"event":"lint","file":"doubtful.md","line":15,"lint":"unmasked","message":"`02:42:79:11:56:7d` is chance, another seed gives `02:42:03:40:4d:b2`: write a mask, such as [ID], [MAC] or [..]"}

"#]]);
}

#[test]
fn github_shows_it_beside_the_lines() {
    let directory = doubtful("github");
    let run = netyard("check --format github doubtful.md").current_dir(&directory).assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
::warning file=doubtful.md,line=8,title=shared-alias::`app` on n1 is c1 and c2: which one answers is chance
::warning file=doubtful.md,line=10,title=vacuous::`...` alone stands for any output, so this can hardly fail
::warning file=doubtful.md,line=15,title=unmasked::`02:42:79:11:56:7d` is chance, another seed gives `02:42:03:40:4d:b2`: write a mask, such as [ID], [MAC] or [..]

"#]]);
}

#[test]
fn a_place_that_is_not_there_is_wrong() {
    let run = netyard("check tests/fixtures/passes.md tests/fixtures/wrong/no-such-place.md --format json").assert();
    run.code(2).stderr_eq("").stdout_eq(str![[r#"
{"event":"fault","file":"tests/fixtures/wrong/no-such-place.md","line":3,"message":"no such place: c9"}

"#]]);
    netyard("check tests/fixtures/passes.md").assert().code(0).stdout_eq("").stderr_eq("");
}

#[test]
fn shells_complete_and_there_is_a_manual() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = netyard(&format!("completions {shell}")).assert().code(0).stderr_eq("");
        let script = String::from_utf8(run.get_output().stdout.clone()).expect("scripts are text");
        assert!(script.contains("shrink") && script.contains("sweep"), "{shell}: {script}");
    }
    let run = netyard("man sweep").assert().code(0).stderr_eq("");
    let page = String::from_utf8(run.get_output().stdout.clone()).expect("pages are text");
    assert!(page.contains(".TH netyard-sweep 1") && page.contains("Play with this seed instead of the file"), "{page}");
    netyard("man").assert().code(0).stderr_eq("");
    netyard("man init").assert().code(2).stderr_eq("error: no such subcommand: init\n");
}
