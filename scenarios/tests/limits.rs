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

#[test]
fn a_container_has_no_more_processes_than_its_limit() {
    let lines = "docker run --rm --pids-limit 2 busybox sh -c 'ls / | head -1 | cat; echo after'; echo $?\n\
                 docker run -d --name p1 --pids-limit 1 busybox sleep 100 >/dev/null\n\
                 docker exec p1 ls /etc/hosts\n\
                 docker exec p1 sh -c 'echo one; (echo two); echo three'; echo $?\n\
                 docker update --pids-limit 9 p1\n\
                 docker exec p1 sh -c '(echo two); echo three'\n";
    netyard("shell").stdin(lines).assert().stderr_eq("").stdout_eq(str![[r#"
sh: can't fork: Resource temporarily unavailable
2
/etc/hosts
one
sh: can't fork: Resource temporarily unavailable
2
p1
two
three

"#]]);
}

#[test]
fn a_shell_that_forks_without_end_ends() {
    let lines = "f() { (f); }; f; echo $?\n";
    netyard("shell").stdin(lines).assert().stderr_eq("").stdout_eq("sh: 1: Cannot fork\n2\n");
}
