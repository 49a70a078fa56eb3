//! Containers and networks by the real command.
use super::engine::{Engine, said};

#[test]
fn a_container_says_what_it_says_and_leaves_its_exit_code() {
    let Some(engine) = Engine::fast() else { return };
    let run = |words: &[&str]| engine.try_docker(words);
    assert_eq!(
        run(&["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"]),
        said("out\n", "err\n", 3)
    );
    assert_eq!(engine.docker("ps -aq"), "", "it was removed");
    let missing = run(&["run", "--rm", "busybox", "nosuch"]);
    assert_eq!((missing.stdout.as_str(), missing.code), ("", 127), "{}", missing.stderr);
}

#[test]
fn names_resolve_and_pings_go_at_once_when_time_is_fast() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("network create n1");
    engine.docker("run -d --name one --network n1 busybox sleep 100000");
    engine.docker("run -d --name two --network n1 busybox sleep 100000");
    let began = std::time::Instant::now();
    let ping = engine.docker("exec one ping -c 30 two");
    assert!(ping.contains("30 packets transmitted, 30 packets received, 0% packet loss"), "{ping}");
    engine.docker("stop one");
    assert!(began.elapsed().as_secs() < 25, "39 seconds have passed in {:?}", began.elapsed());
    assert_eq!(engine.docker("ps --format {{.Names}}"), "two\n", "a container that sleeps does not end by itself");
}

#[test]
fn inspect_events_and_errors_are_the_engines() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("network create --subnet 172.25.0.0/16 isolated_nw");
    engine.docker("run -itd --network isolated_nw --ip 172.25.3.3 --name container3 busybox");
    let ip = engine.docker("inspect -f {{.NetworkSettings.Networks.isolated_nw.IPAddress}} container3");
    assert_eq!(ip, "172.25.3.3\n");
    engine.docker("exec container3 sleep 100");
    // The engine's time is ahead of this machine's; now is now for both.
    let events = engine.docker(
        "events --until 0s --filter event=create --filter event=connect --filter event=start \
                                --format {{.Type}}/{{.Action}}",
    );
    let expected = "network/create\ncontainer/create\nnetwork/connect\ncontainer/start\n";
    assert_eq!(events, expected);
    let refused = engine.try_docker(&["network", "rm", "isolated_nw"]);
    assert!(refused.stderr.contains("has active endpoints"), "{}", refused.stderr);
    assert_eq!(engine.docker("rm -f container3"), "container3\n");
    assert_eq!(engine.docker("network rm isolated_nw"), "isolated_nw\n");
}

#[test]
fn a_client_who_asks_again_and_again_sees_time_pass() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker_with_input(
        &["run", "-d", "--name", "c1", "busybox", "sh", "-c", "sleep 0.1; echo done; sleep 100000"],
        b"",
    );
    let said = (0..1000).map(|_| engine.docker("logs c1")).find(|said| !said.is_empty());
    assert_eq!(said.as_deref(), Some("done\n"));
}

#[test]
fn a_live_engine_is_drawn() {
    let Some(engine) = Engine::fast() else { return };
    engine.docker("network create --subnet 172.25.0.0/16 isolated_nw");
    engine.docker("run -d --name web --network isolated_nw nginx");
    let drawn = engine.netyard(&["graph"]).output().expect("the command was built");
    let drawn = String::from_utf8(drawn.stdout).expect("it is text");
    let about_web: Vec<&str> =
        drawn.lines().filter(|line| line.contains("172.25.0.2") || line.contains("nginx")).collect();
    assert_eq!(about_web, ["    n6(\"web<br>nginx, running\")", "  n5 ---|\"eth0 172.25.0.2/16\"| n6"], "{drawn}");
}
