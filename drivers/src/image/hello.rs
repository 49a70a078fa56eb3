//! What the image `hello-world` is there for: one program, which prints one page.

use netyard_sim::userland::{Flavour, Programs, Straight, Sys};

/// The file that is run: a script for the program.
pub(super) const FILES: &[(&str, &str)] = &[("/hello", "#!/bin/hello\n")];

const PAGE: &str = include_str!("hello.txt");

/// Adds the program to the table.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, "hello", || Box::new(Straight(run)));
}

fn run(sys: &mut Sys<'_>) -> i32 {
    sys.print(PAGE);
    0
}
