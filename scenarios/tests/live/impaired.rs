//! What links of a live engine do to frames, and what was dropped there.
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
