//! Steps that are met and steps that are not.

use snapbox::str;

use crate::netyard;

#[test]
fn a_scenario_that_does_as_it_says_passes() {
    netyard("test tests/fixtures/passes.md").assert().code(0).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/passes.md: ok (6 steps, 3.000 s of virtual time)
1 file: 1 passed; 6 steps, 3.000 s of virtual time

"#]]);
}

#[test]
fn what_is_not_met_is_shown_with_file_line_and_difference() {
    netyard("test tests/fixtures/fails.md").assert().code(1).stderr_eq("").stdout_eq(str![[r#"
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

1 file: 0 passed, 1 failed; 6 steps, 0.000 s of virtual time

"#]]);
}

#[test]
fn fail_fast_stops_at_the_first_step_that_is_not_met() {
    let run = netyard("test --fail-fast tests/fixtures/fails.md tests/fixtures/passes.md").assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/fails.md: FAILED (1 of 6 steps failed, 0.000 s of virtual time)

tests/fixtures/fails.md:4: docker01$ echo one
  - two
  + one

to repeat: netyard test --seed 1 tests/fixtures/fails.md

1 file: 0 passed, 1 failed; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn a_scenario_may_be_meant_to_fail() {
    netyard("test tests/fixtures/expect-fail.md").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/expect-fail.md: ok (1 step, 0.000 s of virtual time)
1 file: 1 passed; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn a_scenario_that_is_meant_to_fail_must() {
    netyard("test tests/fixtures/should-fail.md").assert().code(1).stdout_eq(str![[r#"
tests/fixtures/should-fail.md: FAILED (1 step, 0.000 s of virtual time)

its head says `expect: fail`, but every step was met

to repeat: netyard test --seed 1 tests/fixtures/should-fail.md

1 file: 0 passed, 1 failed; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn the_first_of_several_seeds_that_fails_is_named() {
    let run = netyard("test --seed 40 --seeds 3 tests/fixtures/expect-fail.md tests/fixtures/should-fail.md").assert();
    run.code(1).stdout_eq(str![[r#"
tests/fixtures/expect-fail.md: ok (1 step, 0.000 s of virtual time, 3 seeds)
tests/fixtures/should-fail.md: FAILED (1 step, 0.000 s of virtual time, with seed 40)

its head says `expect: fail`, but every step was met

to repeat: netyard test --seed 40 tests/fixtures/should-fail.md

2 files: 1 passed, 1 failed; 2 steps, 0.000 s of virtual time

"#]]);
}

#[test]
fn the_same_seed_gives_the_same() {
    let run = netyard("test --check-determinism tests/fixtures/passes.md tests/fixtures/background.md").assert();
    run.code(0).stdout_eq(str![[r#"
tests/fixtures/passes.md: ok (6 steps, 3.000 s of virtual time)
tests/fixtures/background.md: ok (4 steps, 5.000 s of virtual time)
2 files: 2 passed; 10 steps, 8.000 s of virtual time

"#]]);
}
