//! Steps for real programs: a real shell of this machine in the world of a scenario, and what is said where a machine does
//! not let it in. What real programs do on the network is shown by `walkthroughs/real-programs.md`, and by the tests of live
//! engines.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use snapbox::str;

use crate::live::guests::processes_of;
use crate::netyard;

/// The same with this machine's own PATH: real programs are found by it.
fn with_path(arguments: &str) -> snapbox::cmd::Command {
    netyard(arguments).env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

#[test]
fn a_real_shell_is_in_the_world_of_the_scenario() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("real-{}", std::process::id()));
    fs::create_dir_all(&place).expect("it is ours");
    let run = with_path("test tests/fixtures/real.md").env("TMPDIR", &place).assert();
    run.code(0).stdout_eq(str![[r#"
tests/fixtures/real.md: ok (8 steps, [..] s of virtual time)
1 file: 1 passed; 8 steps, [..] s of virtual time
...
"#]]);
    let left = processes_of(&place.display().to_string());
    assert!(left.is_empty(), "what the shell has started ends with the scenario: {left:?}");
    fs::remove_dir(place).expect("nothing is left there");
}

/// Waits until something is so, at most ten seconds.
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not become so");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn whoever_is_killed_in_the_middle_leaves_nothing() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("killed-{}", std::process::id()));
    fs::create_dir_all(&place).expect("it is ours");
    let page = place.with_extension("md");
    let begun = place.with_extension("begun");
    let steps = "real$ (trap \"\" HUP; sleep 1000) & sleep 1000 & touch $BEGUN\nreal$ sleep 1000";
    fs::write(&page, format!("```console\n{steps}\n```\n")).expect("it is ours");
    let mut command = Command::new(env!("CARGO_BIN_EXE_netyard"));
    command.arg("test").arg(&page).env("TMPDIR", &place).env("BEGUN", &begun);
    let mut test = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it was built");
    wait_until(|| begun.exists());
    test.kill().expect("it is ours");
    test.wait().expect("it was killed");
    let mark = place.display().to_string();
    wait_until(|| fs::remove_dir(&place).is_ok());
    assert_eq!(processes_of(&mark), [0; 0], "what the steps have started has ended too");
    [page, begun].iter().for_each(|file| fs::remove_file(file).expect("it is ours"));
}

#[test]
fn what_this_machine_cannot_play_is_skipped_with_the_reason() {
    let run =
        |format: &str| netyard(&format!("test --format {format} tests/fixtures/real-missing.md")).assert().code(3);
    run("human").stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/real-missing.md: skipped (1 of 3 steps done, 0.000 s of virtual time)
  not played from line 9 on: there is no no-such-program on this machine
1 file: 0 passed, 1 skipped; 1 step, 0.000 s of virtual time

"#]]);
    run("json").stdout_eq(str![[r#"
{"event":"file","file":"tests/fixtures/real-missing.md","result":"skipped","seed":1,"seeds":1,"steps":3,"played":1,"failed":0,"updated":0,"virtual_ns":0,"reason":"there is no no-such-program on this machine","line":9}
{"event":"summary","passed":0,"failed":0,"skipped":1,"faulty":0,"steps":1,"virtual_ns":0}

"#]]);
    run("tap").stdout_eq(str![[r#"
TAP version 13
ok 1 - tests/fixtures/real-missing.md # SKIP there is no no-such-program on this machine
1..1

"#]]);
    run("github").stdout_eq(str![[r#"
tests/fixtures/real-missing.md: skipped (1 of 3 steps done, 0.000 s of virtual time)
  not played from line 9 on: there is no no-such-program on this machine
::notice file=tests/fixtures/real-missing.md,line=9,title=not played from here on::there is no no-such-program on this machine
1 file: 0 passed, 1 skipped; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn junit_names_the_reason_at_each_step_that_was_not_played() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped.xml");
    netyard("test tests/fixtures/real-missing.md --junit").arg(&file).assert().code(3);
    let text = fs::read_to_string(file).expect("it was written");
    let skipped = r#"<skipped message="there is no no-such-program on this machine"/>"#;
    assert_eq!(text.matches(skipped).count(), 2, "{text}");
    assert!(text.contains(r#"tests="3" failures="0" errors="0" skipped="2""#), "{text}");
}

#[test]
fn what_is_skipped_harms_nobody_beside_it_and_hides_no_failure() {
    netyard("test tests/fixtures/real-missing.md tests/fixtures/passes.md").assert().code(0);
    netyard("test tests/fixtures/real-missing.md --skip-unsupported").assert().code(5);
    let run = netyard("test tests/fixtures/real-broken.md tests/fixtures/passes.md").assert().code(1);
    run.stdout_eq(str![[r#"
tests/fixtures/real-broken.md: FAILED (1 of 3 steps failed, 0.000 s of virtual time)

tests/fixtures/real-broken.md:7: docker01$ echo played
  - something else
  + played

  not played from line 9 on: there is no no-such-program on this machine
to repeat: netyard test --seed 1 tests/fixtures/real-broken.md

...
"#]]);
}

#[test]
fn commands_that_play_a_file_again_and_again_leave_real_programs_alone() {
    let told = "error: tests/fixtures/real-missing.md:9: this step is for real programs, which do not do the same twice: \
                only `netyard test` plays it\n";
    netyard("shrink tests/fixtures/real-missing.md").assert().code(2).stderr_eq(told);
    netyard("sweep tests/fixtures/real-missing.md --fault").arg("kill c1").assert().code(2).stderr_eq(told);
    netyard("check tests/fixtures/real-missing.md").assert().code(0).stdout_eq("");
    netyard("conform tests/fixtures/real-missing.md").assert().code(3).stdout_eq(str![[r#"
tests/fixtures/real-missing.md: skipped: line 9 lets a real program into netyard

"#]]);
    let run = with_path("test --check-determinism tests/fixtures/real.md tests/fixtures/passes.md").assert();
    run.code(0).stdout_eq(str![[r#"
tests/fixtures/real.md: skipped (8 of 8 steps done, [..] s of virtual time)
  line 6 is for real programs, which do not do the same twice: it was played, and not compared
tests/fixtures/passes.md: ok (6 steps, 3.000 s of virtual time)
2 files: 1 passed, 1 skipped; 14 steps, [..] s of virtual time
...
"#]]);
}
