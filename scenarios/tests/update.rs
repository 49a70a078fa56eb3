//! `--update`: the file is rewritten where it differs, and passes from then on.

use std::fs;
use std::path::Path;

use snapbox::cmd::Command;
use snapbox::{IntoData, assert_data_eq, str};

use crate::netyard;

/// Where copies of fixtures may be written to.
const TEMPORARY: &str = env!("CARGO_TARGET_TMPDIR");

/// The text of the copy `name`.
fn text(name: &str) -> String {
    fs::read_to_string(Path::new(TEMPORARY).join(name)).expect("the copy is there")
}

/// The command on a fresh copy of the fixture `name`.
fn updating(name: &str) -> Command {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::copy(fixture, Path::new(TEMPORARY).join(name)).expect("the fixture is there");
    netyard("test --update").arg(name).current_dir(TEMPORARY)
}

#[test]
fn what_came_becomes_what_is_expected() {
    updating("outdated.md").assert().code(0).stdout_eq(str![[r#"
outdated.md: updated 4 steps (5 steps, 0.000 s of virtual time)
1 file: 1 passed; 5 steps, 0.000 s of virtual time

"#]]);
    assert_data_eq!(
        text("outdated.md"),
        str![[r#"
# Outdated

- in a list:

  ```console
  $ echo 7917c78e322d bridge
  [SHORTID:net] bridge
  $ echo 7917c78e322d host
  7917c78e322d host
  $ false
  ? 1
  ```

```console
$ echo ...
[..]..
$ true
```

"#]]
        .raw()
    );
    netyard("test outdated.md").current_dir(TEMPORARY).assert().code(0);
}

#[test]
fn a_file_that_is_meant_to_fail_stays_as_it_is() {
    let before = fs::read_to_string("tests/fixtures/should-fail.md").expect("the fixture is there");
    updating("should-fail.md").assert().code(1);
    assert_eq!(text("should-fail.md"), before);
}
