//! Terminals: one a place, open between steps.

use snapbox::str;

use crate::netyard;

#[test]
fn what_a_job_prints_is_shown_with_the_next_step_of_its_place() {
    netyard("test tests/fixtures/background.md").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/background.md: ok (4 steps, 5.000 s of virtual time)
1 file: 1 passed; 4 steps, 5.000 s of virtual time

"#]]);
}

#[test]
fn a_closed_terminal_is_opened_again() {
    netyard("test tests/fixtures/terminals.md").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/terminals.md: ok (3 steps, 0.000 s of virtual time)
1 file: 1 passed; 3 steps, 0.000 s of virtual time

"#]]);
}
