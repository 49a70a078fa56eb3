//! Scenarios that do not end: exit code 124, and the job that still runs is named.

use snapbox::str;

use crate::netyard;

#[test]
fn a_step_without_an_end_meets_the_limit_of_its_file() {
    netyard("test tests/fixtures/forever.md").assert().code(124).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/forever.md: TIME LIMIT (1 of 3 steps done, 10.000 s of virtual time)

tests/fixtures/forever.md:9: docker01$ sleep 3600
  not done when 10s of virtual time had passed
  still running: docker01: sleep 3600

to repeat: netyard test --seed 1 tests/fixtures/forever.md

1 file: 0 passed, 1 failed; 1 step, 10.000 s of virtual time

"#]]);
}

#[test]
fn the_command_line_has_the_last_word_on_limits() {
    netyard("test --time-limit 2h tests/fixtures/forever.md").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/forever.md: ok (3 steps, 3600.000 s of virtual time)
1 file: 1 passed; 3 steps, 3600.000 s of virtual time

"#]]);
}

#[test]
fn a_line_without_an_end_is_given_up() {
    let lines = "grep -c x /dev/zero; echo $?\ndocker run --rm busybox grep -c x /dev/zero; echo $?\n";
    netyard("shell")
        .stdin(lines)
        .assert()
        .stdout_eq("grep: memory exhausted\n2\ngrep: out of memory\n2\n")
        .stderr_eq("");
}
