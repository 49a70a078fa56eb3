//! The logs of services through the engine's door. What a real engine answered is the source (20.10.24, two nodes).

use super::*;

/// How many bytes [`flood`] prints, as lines of 1,024.
const FLOOD: usize = 4 * 1024 * 1024;

fn flood(sys: &mut Sys<'_>) -> i32 {
    let line = [vec![b'x'; 1023], vec![b'\n']].concat();
    sys.print(line.repeat(FLOOD / line.len()));
    0
}

/// An engine that is a cluster of its own, with a service that runs this, again after five seconds when it shall.
fn lab(command: &str, again: &str, more: &Value) -> (Lab, String) {
    let mut programs = Programs::default();
    programs.add(Flavour::Busybox, "fail", || Box::new(Straight(fail)));
    programs.add(Flavour::Busybox, "flood", || Box::new(Straight(flood)));
    let mut lab = Lab::with(programs);
    let at = "127.0.0.1:2377";
    let begun = lab.post("/swarm/init", &json!({ "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": at }));
    assert_eq!(begun, (200, String::new()));
    let mut container = json!({ "Image": "busybox", "Command": [command] });
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let template = json!({ "ContainerSpec": container, "RestartPolicy": { "Condition": again } });
    let spec = json!({ "Name": "svc", "Mode": { "Replicated": { "Replicas": 1 } }, "TaskTemplate": template });
    let (status, made) = lab.call("POST", "/services/create", &spec);
    assert_eq!(status, 201, "{made}");
    lab.pass(Duration::from_secs(1));
    (lab, made["ID"].as_str().unwrap().to_owned())
}

fn logs(lab: &mut Lab, target: &str) -> String {
    let exchange = lab.send("GET", target, &Value::Null);
    assert!(lab.is_done(exchange), "{target}");
    String::from_utf8_lossy(lab.body(exchange)).into_owned()
}

#[test]
fn lines_of_tasks_come_in_frames_with_whose_they_are() {
    let (mut lab, service) = lab("fail", "none", &json!({}));
    let both = "\u{1}\0\0\0\0\0\0\u{4}out\n\u{2}\0\0\0\0\0\0\u{4}err\n";
    assert_eq!(logs(&mut lab, "/services/svc/logs?stdout=1&stderr=1"), both);
    let tasks = lab.get("/tasks");
    let (task, node) = (tasks[0]["ID"].as_str().unwrap(), tasks[0]["NodeID"].as_str().unwrap());
    assert_eq!(logs(&mut lab, &format!("/tasks/{task}/logs?stdout=1&stderr=1&until=1")), both);
    assert_eq!(logs(&mut lab, "/services/svc/logs?stdout=1&tail=0"), "");
    assert_eq!(logs(&mut lab, "/services/svc/logs?stdout=1&stderr=1&tail=1"), both[12..]);
    assert_eq!(logs(&mut lab, "/services/svc/logs?stdout=1&since=1996100000"), "");
    let said = logs(&mut lab, "/services/svc/logs?stdout=1&details=1");
    let prefix = "com.docker.swarm";
    let details = format!("{prefix}.node.id={node},{prefix}.service.id={service},{prefix}.task.id={task} out\n");
    assert!(said.ends_with(&details), "{said}");
}

#[test]
fn a_terminals_bytes_come_as_they_are() {
    let (mut lab, _) = lab("fail", "none", &json!({ "TTY": true }));
    assert_eq!(logs(&mut lab, "/services/svc/logs?stdout=1&stderr=1"), "out\r\nerr\r\n");
}

#[test]
fn what_cannot_be_read_is_refused_in_the_engines_words() {
    let (mut lab, _) = lab("fail", "none", &json!({}));
    let refused = [
        ("/services/svc/logs", 500, "Bad parameters: you must choose at least one stream"),
        ("/tasks/nosuch/logs", 500, "Bad parameters: you must choose at least one stream"),
        ("/services/nosuch/logs?stdout=1", 404, "service nosuch not found"),
        ("/tasks/svc.1/logs?stdout=1", 404, "task svc.1 not found"),
        ("/services/svc/logs?stdout=1&tail=x", 500, "tail value must be a positive integer or \"all\""),
        ("/services/svc/logs?stdout=1&tail=-1", 500, "negative tail values not supported"),
        (
            "/services/svc/logs?stdout=1&since=foo",
            500,
            "could not parse since timestamp: strconv.ParseInt: parsing \"foo\": invalid syntax",
        ),
    ];
    for (target, status, message) in refused {
        let (said, reply) = lab.call("GET", target, &Value::Null);
        assert_eq!((said, reply["message"].as_str()), (status, Some(message)), "{target}");
    }
    let (status, _) = Lab::new().call("GET", "/services/svc/logs?stdout=1", &Value::Null);
    assert_eq!(status, 503, "it is in no swarm");
}

#[test]
fn who_takes_no_more_is_sent_no_more_and_has_the_rest_later() {
    let (mut lab, _) = lab("flood", "any", &json!({}));
    let request =
        Request { method: "GET", target: "/services/svc/logs?stdout=1&follow=1".into(), ..Request::default() };
    let exchange = ExchangeId(1000);
    lab.engine.handle(&mut lab.world, exchange, &request);
    lab.pass(Duration::from_millis(1));
    let all = FLOOD / 1024 * (1024 + 8);
    assert_eq!(lab.body(exchange).len(), all, "who reads has it all at once");
    lab.engine.hold(exchange);
    lab.pass(Duration::from_secs(10));
    assert_eq!(lab.body(exchange).len(), all, "the next task has printed, too");
    lab.engine.release(&mut lab.world, exchange);
    lab.pass(Duration::from_secs(1));
    assert_eq!(lab.body(exchange).len(), 3 * all, "and the one after it");
    assert!(!lab.is_done(exchange), "it is followed");
}
