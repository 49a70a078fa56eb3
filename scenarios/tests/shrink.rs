//! `netyard shrink`: what is left fails as the whole did.

use std::fs;
use std::path::{Path, PathBuf};

use snapbox::cmd::Command;
use snapbox::{IntoData, assert_data_eq, str};

use crate::netyard;

/// A directory of this test's own with a copy of a fixture.
fn with_copy(test: &str, fixture: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shrink").join(test);
    fs::create_dir_all(&directory).expect("the directory can be made");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    fs::copy(from, directory.join(fixture)).expect("the fixture is there");
    directory
}

fn shrinking(arguments: &str, directory: &Path) -> Command {
    netyard(&format!("shrink {arguments}")).current_dir(directory)
}

#[test]
fn what_the_failure_does_not_need_is_left_out() {
    let directory = with_copy("alias", "shrinkable.md");
    shrinking("shrinkable.md", &directory).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
shrinkable.md:34: db$ ping -c 1 app
    ping: bad address 'app'
    ...
  exit code 0 expected, 1 came
  db -> app icmp
  stopped at db: no record `app`: nothing has that name or alias
  set by shrinkable.md:30: docker01$ docker network disconnect front web
  to mend it: docker run --name app --network back …

kept:
  shrinkable.md:10: docker01$ docker network create front
  shrinkable.md:12: docker01$ docker network create back
  shrinkable.md:14: docker01$ docker run -itd --name web --network front --network-alias app busybox
  shrinkable.md:16: docker01$ docker run -itd --name db --network back busybox
  shrinkable.md:30: docker01$ docker network disconnect front web
  shrinkable.md:34: db$ ping -c 1 app

shrinkable.shrunk.md: 6 of 14 steps and 0 of 12 parts of the head, found in 39 runs

"#]]);
    let small = fs::read_to_string(directory.join("shrinkable.shrunk.md")).expect("it was written");
    assert_data_eq!(
        small,
        str![[r#"
---
seed: 7
---
# An alias that was lost

```console
$ docker network create front
[ID]
$ docker network create back
[ID]
$ docker run -itd --name web --network front --network-alias app busybox
[ID]
$ docker run -itd --name db --network back busybox
[ID]
$ docker network disconnect front web
db$ ping -c 1 app
[..]
...
```

"#]]
        .raw()
    );
    netyard("test shrinkable.shrunk.md").current_dir(&directory).assert().code(1).stderr_eq("").stdout_eq(str![[r#"
shrinkable.shrunk.md: FAILED (1 of 6 steps failed, 0.009 s of virtual time)

shrinkable.shrunk.md:16: db$ ping -c 1 app
    ping: bad address 'app'
    ...
  exit code 0 expected, 1 came

  db -> app icmp
  stopped at db: no record `app`: nothing has that name or alias
  set by shrinkable.shrunk.md:15: docker01$ docker network disconnect front web
  to mend it: docker run --name app --network back …

to repeat: netyard test --seed 7 shrinkable.shrunk.md

1 file: 0 passed, 1 failed; 6 steps, 0.009 s of virtual time

"#]]);
}

#[test]
fn a_program_is_told_the_same() {
    let directory = with_copy("json", "fails.md");
    let run = shrinking("fails.md --format json -o small.md --seed 3", &directory);
    run.assert().code(0).stderr_eq("").stdout_eq(str![[r#"
{"event":"shrunk","file":"fails.md","output":"small.md","seed":3,"line":4,"reason":"- two/n+ one","steps":6,"kept":[{"line":4,"place":"docker01","command":"echo one"}],"head_parts":0,"head_parts_kept":0,"runs":1,"complete":true}

"#]]);
    let small = fs::read_to_string(directory.join("small.md")).expect("it was written");
    assert_data_eq!(
        small,
        str![[r#"
---
seed: 3
---
# Steps that are not met

```console
$ echo one
two
```

"#]]
        .raw()
    );
}

#[test]
fn runs_are_bounded_and_it_is_said_when_there_were_too_few() {
    let directory = with_copy("bounded", "shrinkable.md");
    shrinking("shrinkable.md --runs 3", &directory).assert().code(0).stdout_eq(str![[r#"
shrinkable.md:34: db$ ping -c 1 app
    ping: bad address 'app'
    ...
  exit code 0 expected, 1 came
  db -> app icmp
  stopped at db: no record `app`: nothing has that name or alias
  set by shrinkable.md:30: docker01$ docker network disconnect front web
  to mend it: docker run --name app --network back …

kept:
  shrinkable.md:10: docker01$ docker network create front
  shrinkable.md:12: docker01$ docker network create back
  shrinkable.md:14: docker01$ docker run -itd --name web --network front --network-alias app busybox
  shrinkable.md:16: docker01$ docker run -itd --name db --network back busybox
  shrinkable.md:18: docker01$ docker network connect front db
  shrinkable.md:24: db$ ping -c 1 app | tail -2 | head -1
  shrinkable.md:26: docker01$ netyard impair set db delay 20ms
  shrinkable.md:27: docker02$ docker ps -q
  shrinkable.md:28: docker01$ docker network inspect -f '{{len .Containers}}' front
  shrinkable.md:30: docker01$ docker network disconnect front web
  shrinkable.md:31: docker01$ docker network connect front web
  shrinkable.md:32: docker01$ docker run -itd --name more --network front busybox
  shrinkable.md:34: db$ ping -c 1 app

shrinkable.shrunk.md: 13 of 14 steps and 12 of 12 parts of the head, found in 3 runs; there may be more to leave out, see --runs

"#]]);
}

#[test]
fn a_step_without_an_end_stays_without() {
    let directory = with_copy("forever", "forever.md");
    shrinking("forever.md", &directory).assert().code(0).stdout_eq(str![[r#"
forever.md:9: docker01$ sleep 3600
  not done when its virtual time was up

kept:
  forever.md:9: docker01$ sleep 3600

forever.shrunk.md: 1 of 3 steps, found in 2 runs

"#]]);
    netyard("test forever.shrunk.md").current_dir(&directory).assert().code(124);
}

#[test]
fn a_place_that_is_not_there_is_a_failure_too() {
    let directory = with_copy("place", "terminals.md");
    let text = "```console\n$ true\n$ docker run -itd --name c1 busybox\n[ID]\nc2$ true\n```\n";
    fs::write(directory.join("place.md"), text).expect("it can be written");
    shrinking("place.md", &directory).assert().code(0).stdout_eq(str![[r#"
place.md:5: c2$ true
  no such place: c2

kept:
  place.md:5: c2$ true

place.shrunk.md: 1 of 3 steps, found in 3 runs

"#]]);
}

#[test]
fn a_file_that_passes_has_nothing_to_shrink() {
    let directory = with_copy("passes", "passes.md");
    let run = shrinking("passes.md", &directory).assert();
    run.code(2).stdout_eq("").stderr_eq("error: passes.md passes with seed 1, there is nothing to shrink\n");
    assert!(!directory.join("passes.shrunk.md").exists());
    let run = shrinking("gone.md", &directory).assert();
    run.code(2).stderr_eq("error: gone.md: cannot read the file: No such file or directory (os error 2)\n");
}
