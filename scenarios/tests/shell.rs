//! `netyard shell`: lines typed in the world of a scenario. At a terminal it is driven in `live`.

use std::process::Output;

use crate::netyard;

/// What comes of these lines: standard output and standard error, each as it came.
fn typed(arguments: &str, lines: &str) -> (String, String, Option<i32>) {
    let Output { stdout, stderr, status } =
        netyard(&format!("shell {arguments}")).stdin(lines).output().expect("the command was built");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (text(stdout), text(stderr), status.code())
}

#[test]
fn places_have_shells_of_their_own() {
    let lines = "docker network create n1 >/dev/null; x=here\ndocker run -itd --name c1 --network n1 --network-alias app \
                 busybox >/dev/null\nc1$\nx=there; echo $x\n$ echo $x\ndocker01/app$ true\necho $x\nexit 4\n";
    let said = (("there\nhere\nthere\n").to_owned(), "netyard: no such place: docker01/app\n".to_owned(), Some(4));
    assert_eq!(typed("", lines), said);
    assert_eq!(typed("--hosts a,b", "b$\nhostname\nexit\n").0, "b\n");
    let said =
        "netyard: no such place: real: real programs come to `netyard up` (netyard run), or to a whole scenario\n";
    assert_eq!(typed("", "real$ true\nexit 0\n").1, said);
}

#[test]
fn steps_are_played_judged_and_taken_back() {
    let lines = "steps\nstep 2 \\\n\nback\nstep 3\nstep\nhostname\n";
    let (out, err, code) = typed("tests/fixtures/steps.md --seed 3", lines);
    let ids: Vec<&str> = out.lines().filter(|line| line.len() == 64 && !line.contains(' ')).collect();
    assert_eq!((ids.len(), ids[1]), (3, ids[2]), "the same container again: {out}");
    let out = ids.iter().fold(out.clone(), |out, id| out.replace(id, "ID"));
    let name = &ids[1][..12];
    let expected = format!(
        "line 4: docker01$ docker network create n1\n\
         line 6: docker01$ docker run -itd --name c1 --network n1 busybox\n\
         line 8: c1$ hostname -i\n\
         docker01$ docker network create n1\nID\n\
         docker01$ docker run -itd --name c1 --network n1 busybox\nID\n\
         taken back: docker01$ docker run -itd --name c1 --network n1 busybox\n\
         docker01$ docker run -itd --name c1 --network n1 busybox\nID\n\
         c1$ hostname -i\n172.18.0.2\n{name}\n"
    );
    assert_eq!(out, expected);
    let expected = "netyard: line 8 is not as expected:\n  - 172.18.0.9\n  + 172.18.0.2\n\
                    netyard: there is no step left\nnetyard: there is no step left\n";
    assert_eq!((&*err, code), (expected, Some(0)), "the last command decides");
}

#[test]
fn time_passes_as_one_wants() {
    let lines = "docker network create n1 >/dev/null\ndocker run -itd --name c1 --network n1 busybox >/dev/null\n\
                 (sleep 20; docker run -itd --name c2 --network n1 --network-alias app busybox >/dev/null) &\n\
                 c1$\nuntil dns app\nuntil reach app\njump 5m\nuntil nslookup app >/dev/null\nback\n";
    let (out, err, code) = typed("", lines);
    let out: Vec<&str> = out.lines().collect();
    let at = |line: &str| line.split_whitespace().nth(1).expect("it is a time").parse::<f64>().expect("it is a time");
    assert!((20.0..25.0).contains(&at(out[0])) && out[0] == out[1], "{out:?}");
    assert!((at(out[2]) - at(out[1]) - 300.0).abs() < 0.001 && out[2] == out[3], "{out:?}");
    assert_eq!((out[4], &*err, code), ("taken back: time", "", Some(0)));
}

#[test]
fn it_can_be_asked_why() {
    let lines = "docker network create n1 >/dev/null\ndocker run -itd --name c1 --network n1 busybox >/dev/null\n\
                 c1$\nwhy c1 nowhere name\nwhy docker01 tcp/81\ngraph dot | cat\nwhy\n";
    let (out, err, code) = typed("", lines);
    assert!(out.starts_with("c1 -> nowhere name\nstopped at "), "{out}");
    assert!(out.contains("c1 -> docker01 tcp/81\n"), "{out}");
    assert!(err.contains("usage: netyard graph") && err.contains("netyard: usage: why [FROM] TO"), "{err}");
    assert_eq!(code, Some(2));
}

#[test]
fn what_never_ends_is_interrupted_and_the_shell_goes_on() {
    let lines = "ping 192.0.2.1 >/dev/null\necho \"open\necho still here\nuntil dns nowhere\njump far\nuntil\n";
    let (out, err, code) = typed("--time-limit 3s", lines);
    let (said, time) = out.split_once('\n').expect("two lines");
    assert!(said == "still here" && time.starts_with("at "), "{out}");
    let limit = "netyard: not done when 3s of virtual time had passed: interrupted\n";
    assert!(err.starts_with(&limit.repeat(3)), "{err}");
    assert!(err.contains("netyard: jump: `far` is no length of time") && err.contains("usage: until dns"), "{err}");
    assert_eq!(code, Some(2));
}

#[test]
fn bytes_that_are_no_text_end_it() {
    let run = netyard("shell").stdin(&b"echo \xff\n"[..]).assert();
    run.code(2).stdout_eq("").stderr_eq("netyard: a command is not UTF-8 text\n");
}
