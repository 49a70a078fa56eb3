//! A machine in which command lines are typed, and what they print.

use netyard_sim::fabric::NamespaceId;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch};
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{ContextId, Files, Flavour, Pid, Read, Rights, Spawn, Stream, programs};
use netyard_sim::world::World;

/// A machine with its own network and files.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) namespace: NamespaceId,
    pub(crate) rights: Rights,
    pub(crate) context: ContextId,
}

impl Machine {
    /// One whose loopback device is up.
    pub(crate) fn new(flavour: Flavour) -> Self {
        let mut machine = Self::asleep(flavour);
        let lo = machine.world.fabric.namespace(machine.namespace).device_named("lo").unwrap().index;
        machine.world.fabric.set_up(machine.namespace, lo, true);
        machine
    }

    /// One whose network is as the kernel makes it.
    pub(crate) fn asleep(flavour: Flavour) -> Self {
        let mut world = World::new(Seed(7), Epoch::DEFAULT, programs::linux());
        let namespace = world.fabric.create_namespace("docker01");
        let mut files = Files::default();
        for directory in ["/etc", "/tmp", "/run"] {
            files.make_directory(directory);
        }
        files.link("/var/run", "/run");
        files.mount_generated("/sys", netyard_sim::userland::sysfs::SYS);
        files.write("/etc/hosts", "127.0.0.1\tlocalhost\n172.17.0.2\tc1\n").unwrap();
        let context = world.processes.create_context(Context { files, hostname: "docker01".to_owned(), flavour });
        Self { world, namespace, rights: Rights::ALL, context }
    }

    /// Starts a command line; gives the process and the end from which its output can be read.
    pub(crate) fn start(&mut self, line: &str, stdin: Stream) -> (Pid, Stream) {
        let streams = self.world.processes.streams_mut();
        let (read, write) = streams.pipe();
        let error = streams.dup(&write);
        let spawn = Spawn {
            argv: words(line),
            env: [("PATH".to_owned(), "/bin".to_owned())].into(),
            cwd: "/".to_owned(),
            namespace: self.namespace,
            rights: self.rights,
            user: netyard_sim::userland::User::ROOT,
            context: self.context,
            streams: [stdin, write, error],
            group: None,
            init: false,
        };
        let now = self.world.now();
        (self.world.processes.spawn(spawn, None, now).expect("the program is on the path"), read)
    }

    /// Lets time pass until the process ends.
    pub(crate) fn wait(&mut self, pid: Pid) -> i32 {
        let limit = self.world.now() + Duration::from_secs(100);
        loop {
            match self.world.run_until(limit) {
                Some(Event::Exited(ended, status)) if ended == pid => return status.code(),
                Some(_) => {}
                None => panic!("it still runs after 100 s"),
            }
        }
    }

    /// Runs a command line with this input; gives all it prints and its exit code.
    pub(crate) fn feed(&mut self, line: &str, input: &str) -> (String, i32) {
        let (stdin, write) = self.world.processes.streams_mut().pipe();
        self.world.processes.write(&write, input.as_bytes());
        self.world.processes.close(write);
        let (pid, mut output) = self.start(line, stdin);
        let status = self.wait(pid);
        let mut text = Vec::new();
        while let Read::Data(bytes) = self.world.processes.read(&mut output) {
            text.extend(bytes);
        }
        (String::from_utf8(text).unwrap(), status)
    }

    pub(crate) fn run(&mut self, line: &str) -> (String, i32) {
        self.feed(line, "")
    }

    /// Runs command lines that must succeed and print nothing.
    pub(crate) fn quietly(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.run(line), (String::new(), 0), "{line}");
        }
    }

    /// What a command line prints that must succeed.
    pub(crate) fn shows(&mut self, line: &str) -> String {
        let (text, status) = self.run(line);
        assert_eq!(status, 0, "{line}: {text}");
        text
    }

    /// The exit code and the words of a command line that is refused.
    pub(crate) fn refuses(&mut self, line: &str, status: i32, text: &str) {
        assert_eq!(self.run(line), (text.to_owned(), status), "{line}");
    }
}

/// A command line without quotes but for `''`, which holds one word together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(|(at, part)| -> Vec<String> {
            if at % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
        })
        .collect()
}

/// MAC addresses are drawn at random: here they read the same.
pub(crate) fn masked(text: &str) -> String {
    let is_mac = |word: &str| word.len() == 17 && word.matches(':').count() == 5 && word != "ff:ff:ff:ff:ff:ff";
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| match word {
            "00:00:00:00:00:00" => word,
            word if is_mac(word) => "MAC",
            word if word.starts_with("fe80::") => "LINKLOCAL",
            word => word,
        });
        words.collect::<Vec<_>>().join(" ") + "\n"
    });
    lines.collect()
}
