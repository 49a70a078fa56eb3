//! Reports for programs, captures, and settings by environment.

use std::fs;
use std::path::Path;

use snapbox::str;

use crate::netyard;

#[test]
fn json_is_one_object_a_line() {
    netyard("test --format json tests/fixtures/fails.md").assert().code(1).stderr_eq("").stdout_eq(str![[r#"
{"event":"step","file":"tests/fixtures/fails.md","line":4,"place":"docker01","command":"echo one","expected_exit":0,"exit":0,"at_ns":0,"lines":[{"missing":"two"},{"unexpected":"one"}]}
{"event":"step","file":"tests/fixtures/fails.md","line":8,"place":"docker01","command":"false","expected_exit":0,"exit":1,"at_ns":0,"lines":[]}
{"event":"step","file":"tests/fixtures/fails.md","line":11,"place":"docker01","command":"echo 000000000000","expected_exit":0,"exit":0,"at_ns":0,"lines":[{"missing":"[SHORTID:net]"},{"unexpected":"000000000000"}]}
{"event":"step","file":"tests/fixtures/fails.md","line":13,"place":"docker01","command":"nope","expected_exit":0,"exit":127,"at_ns":0,"lines":[{"same":"sh: 1: nope: not found"}]}
{"event":"file","file":"tests/fixtures/fails.md","result":"failed","seed":1,"seeds":1,"steps":6,"played":6,"failed":4,"updated":0,"virtual_ns":0}
{"event":"summary","passed":0,"failed":1,"skipped":0,"faulty":0,"steps":6,"virtual_ns":0}

"#]]);
}

#[test]
fn json_tells_of_faults_and_limits_too() {
    let run = netyard("test --format json tests/fixtures/wrong/no-command.md tests/fixtures/forever.md").assert();
    run.code(2).stderr_eq("").stdout_eq(str![[r#"
{"event":"fault","file":"tests/fixtures/wrong/no-command.md","line":2,"message":"a prompt without a command"}
{"event":"file","file":"tests/fixtures/forever.md","result":"time-limit","seed":1,"seeds":1,"steps":3,"played":1,"failed":0,"updated":0,"virtual_ns":10000000000,"line":9,"limit":{"virtual_ns":10000000000},"running":["docker01: sleep 3600"]}
{"event":"summary","passed":0,"failed":1,"skipped":0,"faulty":1,"steps":1,"virtual_ns":10000000000}

"#]]);
}

#[test]
fn a_variable_is_as_good_as_a_flag() {
    let run = netyard("test tests/fixtures/several").env("NETYARD_TEST_FILTER", "Addresses");
    run.env("NETYARD_TEST_SEEDS", "2").env("NETYARD_TEST_FAIL_FAST", "1").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/several/addresses.md: ok (1 step, 0.000 s of virtual time, 2 seeds)
1 file: 1 passed; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn each_scenario_has_a_capture() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("captures");
    netyard("test tests/fixtures/passes.md --pcap").arg(&directory).assert().code(0);
    let bytes = fs::read(directory.join("tests/fixtures/passes.pcapng")).expect("the capture was written");
    assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a], "it begins as a pcapng file does");
}

#[test]
fn tap_is_a_test_a_file_with_a_block_that_says_why() {
    let run = netyard("test --format tap tests/fixtures/passes.md tests/fixtures/forever.md tests/fixtures/fails.md");
    run.assert().code(124).stderr_eq("").stdout_eq(str![[r#"
TAP version 13
ok 1 - tests/fixtures/passes.md
not ok 2 - tests/fixtures/forever.md
  ---
  seed: 1
  repeat: "netyard test --seed 1 tests/fixtures/forever.md"
  failures: [{"line":9,"command":"docker01$ sleep 3600","difference":"not done when 10s of virtual time had passed/nstill running: docker01: sleep 3600"}]
  ...
not ok 3 - tests/fixtures/fails.md
  ---
  seed: 1
  repeat: "netyard test --seed 1 tests/fixtures/fails.md"
  failures: [{"line":4,"command":"docker01$ echo one","difference":"- two/n+ one"},{"line":8,"command":"docker01$ false","difference":"exit code 0 expected, 1 came"},{"line":11,"command":"docker01$ echo 000000000000","difference":"- [SHORTID:net]/n+ 000000000000/n[SHORTID:net] is 7917c78e322d"},{"line":13,"command":"docker01$ nope","difference":"  sh: 1: nope: not found/nexit code 0 expected, 127 came"}]
  ...
1..3

"#]]);
    let run = netyard("test --format tap tests/fixtures/wrong/no-command.md").assert();
    run.code(2).stdout_eq(str![[r#"
TAP version 13
not ok 1 - tests/fixtures/wrong/no-command.md
  ---
  message: "a prompt without a command"
  line: 2
  ...
1..1

"#]]);
}

#[test]
fn github_annotates_file_and_line() {
    let run = netyard("test --format github tests/fixtures/fails.md tests/fixtures/should-fail.md").assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/fails.md: FAILED (4 of 6 steps failed, 0.000 s of virtual time)

tests/fixtures/fails.md:4: docker01$ echo one
  - two
  + one

tests/fixtures/fails.md:8: docker01$ false
  exit code 0 expected, 1 came

tests/fixtures/fails.md:11: docker01$ echo 000000000000
  - [SHORTID:net]
  + 000000000000
  [SHORTID:net] is 7917c78e322d

tests/fixtures/fails.md:13: docker01$ nope
    sh: 1: nope: not found
  exit code 0 expected, 127 came

to repeat: netyard test --seed 1 tests/fixtures/fails.md

::error file=tests/fixtures/fails.md,line=4,title=docker01$ echo one::- two%0A+ one
::error file=tests/fixtures/fails.md,line=8,title=docker01$ false::exit code 0 expected, 1 came
::error file=tests/fixtures/fails.md,line=11,title=docker01$ echo 000000000000::- [SHORTID:net]%0A+ 000000000000%0A[SHORTID:net] is 7917c78e322d
::error file=tests/fixtures/fails.md,line=13,title=docker01$ nope::  sh: 1: nope: not found%0Aexit code 0 expected, 127 came
tests/fixtures/should-fail.md: FAILED (1 step, 0.000 s of virtual time)

its head says `expect: fail`, but every step was met

to repeat: netyard test --seed 1 tests/fixtures/should-fail.md

::error file=tests/fixtures/should-fail.md,line=1,title=netyard test::its head says `expect: fail`, but every step was met
2 files: 0 passed, 2 failed; 7 steps, 0.000 s of virtual time

"#]]);
}

#[test]
fn junit_tells_failures_from_errors() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("junit/report.xml");
    let files = "tests/fixtures/fails.md tests/fixtures/forever.md tests/fixtures/wrong/no-command.md";
    netyard(&format!("test {files} --junit")).arg(&file).assert().code(2);
    let xml = fs::read_to_string(&file).expect("the report was written");
    snapbox::assert_data_eq!(
        xml,
        str![[r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="netyard test">
  <testsuite name="tests/fixtures/wrong/no-command.md" tests="1" failures="0" errors="1" skipped="0" time="0.000">
    <testcase name="file" classname="tests/fixtures/wrong/no-command.md">
      <error message="a prompt without a command">error: a prompt without a command
 --&gt; tests/fixtures/wrong/no-command.md:2:1
  |
2 | $ 
  | ^^ write the command after the `$`</error>
    </testcase>
  </testsuite>
  <testsuite name="tests/fixtures/fails.md" tests="6" failures="4" errors="0" skipped="0" time="[..]">
    <properties>
      <property name="seed" value="1"/>
      <property name="repeat" value="netyard test --seed 1 tests/fixtures/fails.md"/>
    </properties>
    <testcase name="4:docker01$ echo one" classname="tests/fixtures/fails.md">
      <failure message="the expectation is not met">- two
+ one</failure>
    </testcase>
    <testcase name="6:docker01$ echo alike" classname="tests/fixtures/fails.md"/>
    <testcase name="8:docker01$ false" classname="tests/fixtures/fails.md">
      <failure message="the expectation is not met">exit code 0 expected, 1 came</failure>
    </testcase>
    <testcase name="9:docker01$ echo 7917c78e322d" classname="tests/fixtures/fails.md"/>
    <testcase name="11:docker01$ echo 000000000000" classname="tests/fixtures/fails.md">
      <failure message="the expectation is not met">- [SHORTID:net]
+ 000000000000
[SHORTID:net] is 7917c78e322d</failure>
    </testcase>
    <testcase name="13:docker01$ nope" classname="tests/fixtures/fails.md">
      <failure message="the expectation is not met">  sh: 1: nope: not found
exit code 0 expected, 127 came</failure>
    </testcase>
    <system-out>docker01$ echo one
one
docker01$ echo alike
alike
docker01$ false
[exit code 1]
docker01$ echo 7917c78e322d
7917c78e322d
docker01$ echo 000000000000
000000000000
docker01$ nope
sh: 1: nope: not found
[exit code 127]
</system-out>
  </testsuite>
  <testsuite name="tests/fixtures/forever.md" tests="3" failures="0" errors="1" skipped="1" time="[..]">
    <properties>
      <property name="seed" value="1"/>
      <property name="repeat" value="netyard test --seed 1 tests/fixtures/forever.md"/>
    </properties>
    <testcase name="7:docker01$ echo before" classname="tests/fixtures/forever.md"/>
    <testcase name="9:docker01$ sleep 3600" classname="tests/fixtures/forever.md">
      <error message="its time was up">not done when 10s of virtual time had passed
still running: docker01: sleep 3600</error>
    </testcase>
    <testcase name="10:docker01$ echo after" classname="tests/fixtures/forever.md">
      <skipped/>
    </testcase>
    <system-out>docker01$ echo before
before
docker01$ sleep 3600
[not done when 10s of virtual time had passed; still running: docker01: sleep 3600]
</system-out>
  </testsuite>
</testsuites>

"#]]
    );
}

#[test]
fn as_many_jobs_as_one_likes_tell_the_same() {
    let told = |jobs: &str| {
        let run = netyard("test tests/fixtures/passes.md tests/fixtures/fails.md tests/fixtures/several --seeds 5");
        let output = run.args(["--jobs", jobs]).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("reports are text"))
    };
    let alone = told("1");
    assert_eq!(alone.0, Some(1));
    assert_eq!(alone, told("7"));
}

#[test]
fn a_run_is_kept_whole_and_latest_points_to_it() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs");
    let _ = fs::remove_dir_all(&root);
    let keep = || netyard("test tests/fixtures/passes.md tests/fixtures/fails.md --out").arg(&root).assert().code(1);
    keep();
    let manifest = || -> serde_json::Value {
        let text = fs::read_to_string(root.join("latest/manifest.json")).expect("the manifest was written");
        serde_json::from_str(&text).expect("it is JSON")
    };
    let first = manifest();
    assert_eq!((&first["passed"], &first["failed"]), (&1.into(), &1.into()));
    assert_eq!(first["files"][1]["repeat"], "netyard test --seed 1 tests/fixtures/fails.md");
    let kept = |name: &str| fs::read_to_string(root.join("latest/tests/fixtures").join(name));
    snapbox::assert_data_eq!(
        kept("fails/transcript.txt").expect("it was kept"),
        str![[r#"
docker01$ echo one
one
docker01$ echo alike
alike
docker01$ false
[exit code 1]
docker01$ echo 7917c78e322d
7917c78e322d
docker01$ echo 000000000000
000000000000
docker01$ nope
sh: 1: nope: not found
[exit code 127]

"#]]
    );
    let page = kept("fails/report.html").expect("what failed has a page");
    assert!(page.contains("- two") && page.contains("--seed 1") && !page.contains("http"), "{page}");
    assert!(kept("passes/report.html").is_err(), "what passed needs none");
    for name in ["result.jsonl", "scenario.md", "events.jsonl", "frames.pcapng"] {
        assert!(root.join("latest/tests/fixtures/passes").join(name).exists(), "{name}");
    }
    keep();
    assert_eq!(manifest()["files"], first["files"], "the same run has the same fingerprints");
    assert_eq!(fs::read_dir(&root).expect("it is there").count(), 3, "two runs and a link");
}
