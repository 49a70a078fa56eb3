//! Files and command lines that are wrong: file, line and caret on stderr, exit code 2.

use snapbox::{IntoData, str};

use crate::netyard;

/// Runs a file of `fixtures/wrong` and compares what is said of it.
fn says(file: &str, expected: impl IntoData) {
    netyard(&format!("test tests/fixtures/wrong/{file}")).assert().code(2).stderr_eq(expected);
}

#[test]
fn a_block_that_is_never_closed() {
    says(
        "unclosed-block.md",
        str![[r#"
error: the block is never closed
 --> tests/fixtures/wrong/unclosed-block.md:3:1
  |
3 | ```console
  | ^^^^^^^^^^ opened here


"#]],
    );
}

#[test]
fn a_head_that_is_never_closed() {
    says(
        "unclosed-head.md",
        str![[r#"
error: the head is never closed
 --> tests/fixtures/wrong/unclosed-head.md:1:1
  |
1 | ---
  | ^^^ opened here; close it with a line `---`


"#]],
    );
}

#[test]
fn a_key_that_the_head_does_not_know() {
    says(
        "unknown-key.md",
        str![[r#"
error: the head is wrong: unknown field `sead`, expected one of hosts, seed, links, nameservers, engine, engines, expect, needs, time-limit
 --> tests/fixtures/wrong/unknown-key.md:3:1
  |
3 | sead: 7
  | ^^^^^^^ here


"#]],
    );
}

#[test]
fn a_head_that_is_no_yaml() {
    says(
        "yaml.md",
        str![[r#"
error: the head is wrong: illegal placement of ':' indicator
 --> tests/fixtures/wrong/yaml.md:3:1
  |
3 | seed: 7
  | ^^^^^^^ here


"#]],
    );
}

#[test]
fn a_time_limit_that_is_no_time() {
    says(
        "time-limit.md",
        str![[r#"
error: the head is wrong: `soon` is no length of time: write numbers with h, m, s, ms, us or ns, such as 1h30m
 --> tests/fixtures/wrong/time-limit.md:2:1
  |
2 | time-limit: soon
  | ^^^^^^^^^^^^^^^^ here


"#]],
    );
}

#[test]
fn a_link_of_no_host() {
    says(
        "link.md",
        str![[r#"
error: the head is wrong: a link of docker07, which is no host
 --> tests/fixtures/wrong/link.md:2:1
  |
2 | links: {docker07: {delay: 5ms}}
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ here


"#]],
    );
}

#[test]
fn output_before_any_command() {
    says(
        "output-first.md",
        str![[r#"
error: a console block begins with a command
 --> tests/fixtures/wrong/output-first.md:2:1
  |
2 | hello
  | ^^^^^ write `$ command` or `PLACE$ command` first


"#]],
    );
}

#[test]
fn a_prompt_without_a_command() {
    says(
        "no-command.md",
        str![[r#"
error: a prompt without a command
 --> tests/fixtures/wrong/no-command.md:2:1
  |
2 | $ 
  | ^^ write the command after the `$`


"#]],
    );
}

#[test]
fn a_command_that_goes_on_into_nothing() {
    says(
        "dangling.md",
        str![[r#"
error: the command goes on with `/`, but its block ends here
 --> tests/fixtures/wrong/dangling.md:2:1
  |
2 | $ docker run /
  | ^^^^^^^^^^^^^^ nothing follows


"#]],
    );
}

#[test]
fn an_exit_code_that_no_process_has() {
    says(
        "exit-code.md",
        str![[r#"
error: an exit code is a number from 0 to 255
 --> tests/fixtures/wrong/exit-code.md:3:1
  |
3 | ? 1000
  | ^^^^^^ out of range


"#]],
    );
}

#[test]
fn a_file_that_is_not_text() {
    says(
        "latin1.md",
        str![[r#"
error: the file is not UTF-8 text
 --> tests/fixtures/wrong/latin1.md:1:6
  |
1 | # caf�
  |      ^ the first byte that is not UTF-8


"#]],
    );
}

#[test]
fn a_place_that_is_not_there() {
    says(
        "no-such-place.md",
        str![[r#"
error: no such place: c9
 --> tests/fixtures/wrong/no-such-place.md:3:1
  |
3 | c9$ true
  | ^^ no host, running container or namespace of this name at this step


"#]],
    );
}

#[test]
fn a_file_that_is_not_there() {
    says(
        "gone.md",
        str![[r#"
error: tests/fixtures/wrong/gone.md: cannot read the file: No such file or directory (os error 2)


"#]],
    );
}

#[test]
fn the_right_files_are_played_all_the_same() {
    let run = netyard("test tests/fixtures/wrong/no-command.md tests/fixtures/passes.md").assert();
    run.code(2).stdout_eq(str![[r#"
tests/fixtures/passes.md: ok (6 steps, 3.000 s of virtual time)
2 files: 1 passed, 1 with errors; 6 steps, 3.000 s of virtual time

"#]]);
}

#[test]
fn flags_that_contradict_each_other() {
    netyard("test --update --fail-fast").assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: the argument '--update' cannot be used with '--fail-fast'

Usage: netyard test --update [PATH]...

For more information, try '--help'.

"#]]);
}
