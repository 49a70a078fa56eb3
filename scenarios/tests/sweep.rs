//! `netyard sweep`: a fault before every step, and where that breaks something.

use snapbox::str;

use crate::netyard;

#[test]
fn it_is_told_before_which_steps_a_fault_breaks_an_expectation() {
    let run = netyard("sweep tests/fixtures/sweepable.md --fault")
        .arg("restart web")
        .arg("--fault")
        .arg("pause web --for 1s");
    run.assert().code(1).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/sweepable.md: restart web
  before line 11 (c1$ wget -q -O - -T 2 http://web/ 2>&1 | grep -c 404):
    tests/fixtures/sweepable.md:11: c1$ wget -q -O - -T 2 http://web/ 2>&1 | grep -c 404
      - 1
      + 0
      exit code 0 expected, 1 came
  before 6 steps: 3 held, 1 broke, 2 not possible (no such container: web)
tests/fixtures/sweepable.md: pause web --for 1s
  before 6 steps: 4 held, 0 broke, 2 not possible (no such container: web)

"#]]);
}

#[test]
fn a_program_is_told_of_each_moment() {
    let run = netyard("sweep tests/fixtures/sweepable.md --format json --fault").arg("kill engine docker01");
    run.assert().code(1).stderr_eq("").stdout_eq(str![[r#"
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":4,"result":"broke","line":4,"reason":"tests/fixtures/sweepable.md:4: docker01$ docker network create n1/n  - [ID]/n  + Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?/n  exit code 0 expected, 1 came"}
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":6,"result":"broke","line":6,"reason":"tests/fixtures/sweepable.md:6: docker01$ docker run -itd --name web --network n1 --restart always busybox/n  - [ID]/n  + docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?/n  + /n  + Run 'docker run --help' for more information/n  exit code 0 expected, 125 came"}
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":8,"result":"broke","line":8,"reason":"tests/fixtures/sweepable.md:8: docker01$ docker run -itd --name c1 --network n1 busybox/n  - [ID]/n  + docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?/n  + /n  + Run 'docker run --help' for more information/n  exit code 0 expected, 125 came"}
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":10,"result":"held","line":null,"reason":null}
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":11,"result":"held","line":null,"reason":null}
{"event":"moment","file":"tests/fixtures/sweepable.md","fault":"kill engine docker01","before_line":13,"result":"held","line":null,"reason":null}

"#]]);
}

#[test]
fn a_fault_that_breaks_nothing_passes() {
    let run = netyard("sweep tests/fixtures/sweepable.md --fault").arg("pause c1 --for 100ms");
    run.assert().code(0).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/sweepable.md: pause c1 --for 100ms
  before 6 steps: 3 held, 0 broke, 3 not possible (no such container: c1)

"#]]);
}

#[test]
fn a_fault_that_never_can_be_is_a_mistake() {
    let run = netyard("sweep tests/fixtures/sweepable.md --fault").arg("kill nobody");
    run.assert().code(2).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/sweepable.md: kill nobody
  before 6 steps: 0 held, 0 broke, 6 not possible (no such container: nobody)

"#]]);
}

#[test]
fn a_scenario_that_breaks_by_itself_is_not_swept() {
    let run = netyard("sweep tests/fixtures/fails.md --fault").arg("kill c1");
    run.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: an expectation breaks without any fault
tests/fixtures/fails.md:4: docker01$ echo one
  - two
  + one

"#]]);
}
