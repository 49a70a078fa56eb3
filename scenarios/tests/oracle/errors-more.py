#!/usr/bin/env python3
"""Records what a real engine answers to commands, one a line in COMMANDS, as rows of errors-more.tsv.

    oracle/host up NAME                        # a fresh machine with the images busybox and web
    oracle/host exec NAME errors-more.py SESSION COMMANDS >>errors-more.tsv

SESSION numbers the recording: the test plays the rows of one session on a machine of their own. Line ends and tabs are
written out, and ids become <ID64>.
"""
import re
import subprocess
import sys

MADE = [
    "docker network create --subnet 172.25.0.0/16 isolated_nw",
    "docker network create --subnet 172.26.0.0/24 local_alias",
    "docker run -itd --name container1 busybox",
    "docker run -itd --name container2 --net isolated_nw busybox",
    "docker run -itd --name container3 --net isolated_nw --ip 172.25.3.3 busybox",
    "docker create --name stopped busybox",
    "docker run -itd --name hostc --net host busybox",
    "docker run -itd --name nonec --net none busybox",
    "docker run -itd --name depc --net container:container1 busybox",
    "docker run -d --name web1 -p 8080:80 web",
    "docker run -d --name exited busybox true",
]
CLEARED = "docker rm -f probe probe2; docker network rm probe_nw"
AFTER_PRUNE = [MADE[5], MADE[10], MADE[1]]


def run(command):
    done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


def cell(text):
    text = re.sub(r"\b[0-9a-f]{64}\b", "<ID64>", text).rstrip("\n")
    return text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


session, commands = sys.argv[1], sys.argv[2]
for command in MADE:
    run(command)
for line in open(commands):
    command = line.rstrip("\n")
    code, out, err = run(command)
    print(session, code, command, cell(out), cell(err), sep="\t", flush=True)
    for again in AFTER_PRUNE if " prune " in command else []:
        run(again)
    run(CLEARED)
