//! What links of a live engine do to frames, what was dropped there, and what goes wrong when somebody wants it.

use super::engine::Engine;

#[test]
fn links_of_a_live_engine_are_impaired_shown_and_reset() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("network create n1");
    engine.docker("run -d --name one --network n1 busybox sleep 100000");
    engine.docker("run -d --name two --network n1 busybox sleep 100000");
    let netyard = |words: &[&str]| {
        let output = engine.netyard(words).output().expect("netyard runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    assert_eq!(netyard(&["impair", "set", "one", "out", "loss", "100%"]), (Some(0), String::new()));
    assert_eq!(netyard(&["impair", "show"]), (Some(0), "one/eth0 out: netem limit 1000 loss 100%\n".to_owned()));
    let ping = engine.try_docker(&["exec", "one", "ping", "-c", "2", "-W", "1", "two"]);
    assert!(ping.stdout.contains("2 packets transmitted, 0 packets received"), "{}", ping.stdout);
    let (code, drops) = netyard(&["drops", "one"]);
    assert!(code == Some(0) && drops.contains("one/eth0: lost on the way, as the link was told: "), "{drops}");
    let (code, why) = netyard(&["why", "one", "two"]);
    assert!(code == Some(1) && why.contains("stopped at one/eth0: lost on the way"), "{why}");
    assert_eq!(netyard(&["impair", "reset"]), (Some(0), String::new()));
    engine.docker("exec one ping -c 2 two");
    assert_eq!(
        netyard(&["impair", "set", "nobody", "down"]),
        (Some(2), "netyard impair: no such place: nobody\n".to_owned())
    );
}

#[test]
fn faults_strike_a_live_engine_at_once_later_and_at_an_event() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("network create n1");
    engine.docker("run -d --name one --network n1 busybox sleep 100000");
    engine.docker("run -d --name two --network n1 busybox sleep 100000");
    let fault = |line: &str| {
        let words: Vec<&str> = ["fault"].into_iter().chain(line.split(' ')).collect();
        let output = engine.netyard(&words).output().expect("netyard runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let standing = |name: &str| engine.docker(&format!("inspect -f {{{{.State.Status}}}} {name}"));
    let done = (Some(0), String::new());
    assert_eq!(fault("kill two"), done);
    assert_eq!(standing("two"), "exited\n");
    assert_eq!(fault("start two"), done);
    assert_eq!(fault("pause one --for 2s"), done);
    assert_eq!(standing("one"), "paused\n");
    engine.docker("exec two sleep 3");
    assert_eq!(standing("one"), "running\n");
    let (code, said) = fault("kill nobody");
    assert_eq!((code, said.as_str()), (Some(2), "no such container: nobody\n"));
    assert_eq!(fault("bug late-records"), done);
    engine.docker("run -d --name late --network n1 busybox sleep 100000");
    assert_eq!(engine.try_docker(&["exec", "two", "ping", "-c", "1", "late"]).stderr, "ping: bad address 'late'\n");
    engine.docker("exec two sleep 3");
    engine.docker("exec two ping -c 1 late");
    let mut plan = engine.netyard(&["fault", "kill", "one", "--on", "create late2"]);
    assert!(plan.status().expect("netyard runs").success());
    engine.docker("run -d --name late2 --network n1 busybox sleep 100000");
    engine.docker("exec two sleep 1");
    assert_eq!(standing("one"), "exited\n");
    let (_, shown) = fault("show");
    assert!(
        shown.lines().last().is_some_and(|line| line.contains("kill container one on create late2: done")),
        "{shown}"
    );
    assert_eq!(fault("kill engine docker01"), done);
    let refused = engine.try_docker(&["ps"]).stderr;
    assert_eq!(refused, "Error response from daemon: the engine is not running\n");
    assert_eq!(fault("start engine docker01"), done);
    assert_eq!(standing("two"), "exited\n", "it died with its engine, and nobody asked for it again");
}
