//! x
use super::world::run;
use crate::userland::Flavour;

#[test]
fn adhoc() {
    let text = std::fs::read_to_string("/tmp/shx/cases.txt").unwrap();
    let mut out = String::new();
    for script in text.split("\n%%\n") {
        for (flavour, shell) in [(Flavour::Busybox, "sh"), (Flavour::Host, "sh"), (Flavour::Host, "bash")] {
            let got = std::panic::catch_unwind(|| run(flavour, &[shell, "-c", script]));
            match got {
                Ok(got) => out += &format!("{}[rc {}]\n%%\n", got.output, got.status),
                Err(_) => out += "PANIC\n%%\n",
            }
        }
    }
    std::fs::write("/tmp/shx/ours.txt", out).unwrap();
}
