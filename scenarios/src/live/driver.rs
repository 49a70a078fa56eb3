//! Netyard as a plugin of a real engine: `docker network create -d netyard` there makes a network here, and each real
//! container on it gets a TAP device whose other end is a port of the simulated network. The protocol is libnetwork's;
//! what a network or an endpoint is here, the live engine says.
//!
//! How it works: an endpoint is what `netyard attach` makes, in the namespace of this process: a device that the real
//! engine then moves into its container. It lives as long as that command.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::guest::engine::{Engine, percent_encoded};
use super::socket::Socket;

/// The option that names a network that is here already.
const NETWORK: &str = "network";
/// Digits of ids in names: no more fit into the name of a device.
const DIGITS: usize = 12;
/// The longest request, in bytes.
const REQUEST_MAX: usize = 1024 * 1024;

/// A network of the real engine.
#[derive(Clone, Debug)]
struct Network {
    /// What it is called here.
    name: String,
    /// Whether it was made for that, and goes with it.
    is_ours: bool,
    /// The gateways, IPv4 and IPv6; empty where there is none.
    gateways: [String; 2],
}

/// An endpoint of the real engine.
#[derive(Debug)]
struct Endpoint {
    network: String,
    /// Its addresses, IPv4 and IPv6; empty where there is none.
    addresses: [String; 2],
    attached: Option<Child>,
}

/// What the real engine has here.
#[derive(Debug)]
struct Driver {
    /// The socket of the live engine.
    socket: PathBuf,
    networks: BTreeMap<String, Network>,
    endpoints: BTreeMap<String, Endpoint>,
}

/// Answers a real engine at a socket, from now on, for the live engine at another. The socket goes with what is returned.
///
/// # Errors
/// In words, when the socket cannot be had.
pub fn serve(at: &Path, socket: &Path) -> Result<Socket, String> {
    let mut own = Socket::bind(at)?;
    let listener = own.take_listener().expect("it was just bound");
    let driver = Driver { socket: socket.to_owned(), networks: BTreeMap::new(), endpoints: BTreeMap::new() };
    let driver = Arc::new(Mutex::new(driver));
    let serving = thread::Builder::new().name("plugin".to_owned());
    let serving = serving.spawn(move || {
        for stream in listener.incoming().flatten() {
            let driver = Arc::clone(&driver);
            thread::spawn(move || answer(stream, &driver));
        }
    });
    serving.map(|_| own).map_err(|error| format!("cannot run: {error}"))
}

/// Answers what comes by one connection; who breaks off or speaks no HTTP is let go.
fn answer(stream: UnixStream, driver: &Mutex<Driver>) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some((method, body)) = request(&mut reader) {
        let answered = driver.lock().unwrap_or_else(PoisonError::into_inner).answer(&method, &body);
        let body = answered.unwrap_or_else(|error| json!({ "Err": error })).to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// The next request: its method and its body.
fn request(reader: &mut BufReader<UnixStream>) -> Option<(String, Value)> {
    let mut line = String::new();
    reader.take(REQUEST_MAX as u64).read_line(&mut line).ok()?;
    let method = line.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let mut len = 0;
    loop {
        let mut line = String::new();
        reader.take(REQUEST_MAX as u64).read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => len = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; Some(len).filter(|len| *len <= REQUEST_MAX)?];
    reader.read_exact(&mut body).ok()?;
    Some((method, serde_json::from_slice(&body).unwrap_or_default()))
}

impl Driver {
    fn answer(&mut self, method: &str, body: &Value) -> Result<Value, String> {
        let word = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let (network, endpoint) = (word("NetworkID"), word("EndpointID"));
        match method {
            "Plugin.Activate" => Ok(json!({ "Implements": ["NetworkDriver"] })),
            "NetworkDriver.GetCapabilities" => Ok(json!({ "Scope": "local", "ConnectivityScope": "local" })),
            "NetworkDriver.CreateNetwork" => self.create_network(network, body),
            "NetworkDriver.DeleteNetwork" => self.delete_network(&network),
            "NetworkDriver.CreateEndpoint" => self.create_endpoint(network, endpoint, &body["Interface"]),
            "NetworkDriver.Join" => self.join(&endpoint),
            "NetworkDriver.Leave" => {
                self.leave(&endpoint);
                Ok(json!({}))
            }
            "NetworkDriver.DeleteEndpoint" => {
                self.leave(&endpoint);
                self.endpoints.remove(&endpoint);
                Ok(json!({}))
            }
            "NetworkDriver.EndpointOperInfo" => Ok(json!({ "Value": {} })),
            _ => Ok(json!({})),
        }
    }

    fn engine(&self) -> Result<Engine, String> {
        Engine::find(Some(&self.socket), None)
    }

    /// Has a network: the one that an option names, or a new one with the subnets that the real engine chose.
    fn create_network(&mut self, id: String, body: &Value) -> Result<Value, String> {
        let data = [&body["IPv4Data"][0], &body["IPv6Data"][0]];
        let gateways = data.map(|data| address(&data["Gateway"]));
        let named = body["Options"]["com.docker.network.generic"][NETWORK].as_str();
        let name = named.map_or_else(|| id.chars().take(DIGITS).collect(), str::to_owned);
        if named.is_some() {
            let target = format!("/networks/{}", percent_encoded(&name));
            let found = self.engine()?.ask("GET", &target, &Value::Null)?.accepted()?;
            let (has, wanted) = (&found["IPAM"]["Config"][0]["Subnet"], &data[0]["Pool"]);
            if has != wanted {
                return Err(format!("network {name} of netyard has the subnet {has}, and not {wanted}"));
            }
        } else {
            let subnet = |(data, gateway): (&&Value, &String)| json!({ "Subnet": data["Pool"], "Gateway": gateway });
            let known = data.iter().zip(&gateways).filter(|(data, _)| data["Pool"].is_string());
            let ipam = json!({ "Driver": "default", "Config": known.map(subnet).collect::<Vec<_>>() });
            let v6 = data[1]["Pool"].is_string();
            let asked =
                json!({ "Name": name, "CheckDuplicate": true, "Driver": "bridge", "EnableIPv6": v6, "IPAM": ipam });
            self.engine()?.ask("POST", "/networks/create", &asked)?.accepted()?;
        }
        self.networks.insert(id, Network { name, is_ours: named.is_none(), gateways });
        Ok(json!({}))
    }

    fn delete_network(&mut self, id: &str) -> Result<Value, String> {
        if let Some(network) = self.networks.remove(id).filter(|network| network.is_ours) {
            self.engine()?
                .ask("DELETE", &format!("/networks/{}", percent_encoded(&network.name)), &Value::Null)?
                .accepted()?;
        }
        Ok(json!({}))
    }

    fn create_endpoint(&mut self, network: String, id: String, interface: &Value) -> Result<Value, String> {
        if interface["MacAddress"].as_str().is_some_and(|mac| !mac.is_empty()) {
            return Err("netyard gives an endpoint the Ethernet address that goes with its IPv4 address".to_owned());
        }
        let addresses = ["Address", "AddressIPv6"].map(|key| address(&interface[key]));
        self.endpoints.insert(id, Endpoint { network, addresses, attached: None });
        Ok(json!({ "Interface": {} }))
    }

    /// Makes the device of an endpoint and names it.
    fn join(&mut self, id: &str) -> Result<Value, String> {
        let unknown = || "netyard does not know that endpoint".to_owned();
        let endpoint = self.endpoints.get_mut(id).ok_or_else(unknown)?;
        let network = self.networks.get(&endpoint.network).ok_or_else(unknown)?;
        let device = format!("ny{}", id.chars().take(DIGITS).collect::<String>());
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(this);
        command.args(["attach", "--netns", "/proc/self/ns/net", "--interface", &device]);
        command.args(["--network", &network.name, "--name", &device]).arg("--socket").arg(&self.socket);
        for (flag, address) in ["--ip", "--ip6"].iter().zip(&endpoint.addresses).filter(|(_, at)| !at.is_empty()) {
            command.args([flag, address.as_str()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut attached = command.spawn().map_err(|error| format!("cannot attach: {error}"))?;
        let mut said = String::new();
        let stdout = attached.stdout.take().map(BufReader::new);
        let come = stdout.and_then(|mut stdout| stdout.read_line(&mut said).ok()).is_some_and(|read| read > 0);
        if !come {
            let mut why = String::new();
            // Whoever said nothing has ended.
            let _ = attached.stderr.take().map(|mut stderr| stderr.read_to_string(&mut why));
            let _ = attached.wait();
            return Err(why.trim().trim_start_matches("error: ").to_owned());
        }
        endpoint.attached = Some(attached);
        Ok(json!({
            "InterfaceName": { "SrcName": device, "DstPrefix": "eth" },
            "Gateway": network.gateways[0],
            "GatewayIPv6": network.gateways[1],
        }))
    }

    /// Lets an endpoint go, and waits until it is gone.
    fn leave(&mut self, id: &str) {
        let Some(mut attached) = self.endpoints.get_mut(id).and_then(|endpoint| endpoint.attached.take()) else {
            return;
        };
        if let Ok(number) = i32::try_from(attached.id()) {
            // One that has ended is not there any more.
            let _ = kill(Pid::from_raw(number), Signal::SIGTERM);
        }
        let _ = attached.wait();
    }
}

/// The address of an address with a prefix length; empty when there is none.
fn address(value: &Value) -> String {
    value.as_str().and_then(|text| text.split('/').next()).unwrap_or_default().to_owned()
}
