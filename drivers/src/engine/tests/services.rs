//! Services through the engine's door, as a real engine told of them (20.10.24).

use super::*;

/// The specifications that were sent, and what the engine said of each when it was asked for the defaults too.
const TOLD: [(&str, &str); 3] = [
    (
        r#"{"Name":"bare","TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["sleep","1000"]}},"Mode":{"Global":{}}}"#,
        r#"{"Name":"bare","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["sleep","1000"],"StopGracePeriod":10000000000,"DNSConfig":{},"Isolation":"default"},"Resources":{},"RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":0},"Placement":{},"ForceUpdate":0,"Runtime":"container"},"Mode":{"Global":{}},"UpdateConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},"RollbackConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"}}"#,
    ),
    (
        r#"{"Name":"job","TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["true"]}},"Mode":{"ReplicatedJob":{}}}"#,
        r#"{"Name":"job","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["true"],"StopGracePeriod":10000000000,"DNSConfig":{},"Isolation":"default"},"Resources":{},"RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":0},"Placement":{},"ForceUpdate":0,"Runtime":"container"},"Mode":{"ReplicatedJob":{"MaxConcurrent":1,"TotalCompletions":1}},"UpdateConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},"RollbackConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"}}"#,
    ),
    (
        r#"{"Name":"part","TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["true"],"StopGracePeriod":5},"RestartPolicy":{"Condition":"none"}},"UpdateConfig":{"Parallelism":3}}"#,
        r#"{"Name":"part","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"busybox","Command":["true"],"StopGracePeriod":5,"DNSConfig":{},"Isolation":"default"},"Resources":{},"RestartPolicy":{"Condition":"none","Delay":5000000000,"MaxAttempts":0},"Placement":{},"ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}},"UpdateConfig":{"Parallelism":3,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},"RollbackConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"}}"#,
    ),
];

#[test]
fn what_was_not_said_is_told_when_it_is_asked_for() {
    let mut lab = Lab::new();
    assert_eq!(
        lab.post("/swarm/init", &json!({ "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "127.0.0.1:2377" })).0,
        200
    );
    for (asked, told) in TOLD {
        let asked: Value = serde_json::from_str(asked).unwrap();
        assert_eq!(lab.call("POST", "/services/create", &asked).0, 201, "{asked}");
        let name = asked["Name"].as_str().unwrap();
        let (_, plain) = lab.call("GET", &format!("/services/{name}"), &Value::Null);
        assert_eq!((&plain["Spec"]["RollbackConfig"], &plain["Endpoint"]), (&Value::Null, &json!({ "Spec": {} })));
        let (_, whole) = lab.call("GET", &format!("/services/{name}?insertDefaults=true"), &Value::Null);
        assert_eq!(whole["Spec"].to_string(), told);
    }
}
