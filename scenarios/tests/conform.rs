//! `netyard conform`. What a real engine does is shown by `.ci/against-docker`; a host's own shell is everywhere.

use snapbox::str;

use crate::netyard;

#[test]
fn who_does_the_same_conforms_and_where_two_differ_is_shown() {
    let path = std::env::var("PATH").expect("there is one");
    let run = netyard("conform tests/fixtures/conforms.md").env("PATH", path).assert();
    run.code(1).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/conforms.md:7: docker01$ test -d /proc/self/fdinfo; echo $?
  netyard:
    - 0
    + 1
  engine: as expected
tests/fixtures/conforms.md: 2 of 3 steps alike

"#]]);
}

#[test]
fn what_only_netyard_has_is_skipped_with_the_reason() {
    let run = netyard("conform walkthroughs/partition.md --skip-unsupported").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
walkthroughs/partition.md: skipped: it has 3 hosts, and an engine is one

"#]]);
    netyard("conform walkthroughs/partition.md").assert().code(3);
    netyard("conform tests/fixtures/several/prose.md").assert().code(5).stdout_eq("").stderr_eq("");
    netyard("conform tests/fixtures/nowhere.md").assert().code(2).stdout_eq("");
}
