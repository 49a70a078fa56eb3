//! Which files are played.

use snapbox::str;

use crate::netyard;

#[test]
fn a_directory_is_walked_in_order() {
    netyard("test tests/fixtures/several").assert().code(0).stderr_eq("").stdout_eq(str![[r#"
tests/fixtures/several/addresses.md: ok (1 step, 0.000 s of virtual time)
tests/fixtures/several/names.md: ok (1 step, 0.000 s of virtual time)
2 files: 2 passed; 2 steps, 0.000 s of virtual time

"#]]);
}

#[test]
fn a_filter_names_files_or_headings() {
    netyard("test --filter Aliases tests/fixtures/several").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/several/names.md: ok (1 step, 0.000 s of virtual time)
1 file: 1 passed; 1 step, 0.000 s of virtual time

"#]]);
    netyard("test --filter *addr*.md tests/fixtures/several").assert().code(0).stdout_eq(str![[r#"
tests/fixtures/several/addresses.md: ok (1 step, 0.000 s of virtual time)
1 file: 1 passed; 1 step, 0.000 s of virtual time

"#]]);
}

#[test]
fn nothing_to_play_is_no_success() {
    netyard("test --filter nowhere tests/fixtures/several").assert().code(5).stdout_eq(str![[r#"
no test ran

"#]]);
    netyard("test tests/fixtures/several/prose.md").assert().code(5).stderr_eq("").stdout_eq(str![[r#"
no test ran

"#]]);
}
