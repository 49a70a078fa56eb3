//! What requests leave behind that failed or were given up.

use super::*;

#[test]
fn what_a_refused_connect_asked_for_stays_noted() {
    let mut lab = Lab::new();
    lab.network("n1", "10.9.0.0/24");
    lab.run("c1", "default", &Value::Null);
    let asked = json!({ "IPAMConfig": { "IPv4Address": "10.10.0.220" }, "DriverOpts": {} });
    let outside = "Invalid address 10.10.0.220: It does not belong to any of this network's subnets";
    assert_eq!(lab.connect("n1", "c1", &asked), (500, outside.into()));
    let noted = lab.endpoint("c1", "n1");
    assert_eq!((&noted["IPAMConfig"]["IPv4Address"], &noted["NetworkID"]), (&json!("10.10.0.220"), &json!("")));
    let (status, _) = lab.disconnect("n1", "c1");
    assert_eq!(status, 500, "it is not connected");
    assert_eq!(lab.post("/containers/c1/kill", &Value::Null).0, 204);
    assert_eq!(lab.post("/containers/c1/start", &Value::Null), (500, outside.into()));
    assert_eq!(lab.disconnect("n1", "c1"), (200, String::new()));
    assert_eq!(lab.post("/containers/c1/start", &Value::Null).0, 204);
}

#[test]
fn who_gives_up_waiting_is_told_so() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let wait = lab.send("POST", "/containers/c1/wait", &Value::Null);
    lab.engine.handle_hangup(&mut lab.world, wait);
    lab.pass(Duration::from_millis(1));
    assert_eq!(lab.body(wait), b"{\"Error\":{\"Message\":\"context canceled\"},\"StatusCode\":-1}\n");
    assert!(lab.is_done(wait));
}

#[test]
fn who_attaches_before_the_start_does_not_wait_for_time() {
    let mut lab = Lab::new();
    assert_eq!(lab.create("c1", "default", &Value::Null).0, 201);
    let attach = lab.send("POST", "/containers/c1/attach?stream=1&stdout=1", &Value::Null);
    assert_eq!(lab.engine.patience(&lab.world, attach), Patience::Others);
    assert_eq!(lab.post("/containers/c1/start", &Value::Null).0, 204);
    assert_eq!(lab.engine.patience(&lab.world, attach), Patience::Time);
}
