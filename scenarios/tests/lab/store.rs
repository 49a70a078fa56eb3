//! A small replicated key-value store, a user's own protocol: a leader copies each write to two followers and answers
//! when most have it; clients try again through partitions. The property: what a client was told is written is read
//! again by everyone. `NETYARD_CASES=1000` tries it under a thousand seeds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use netyard::lab::net::{TcpListener, TcpStream, anywhere};
use netyard::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{cases, lab_of};

const PORT: u16 = 4000;
const PATIENCE: Duration = Duration::from_secs(2);

type Table = Rc<RefCell<BTreeMap<u8, u8>>>;

/// One request and one answer on a connection of their own: `key value`, and 1 when it is done.
async fn ask(target: &str, request: [u8; 2]) -> io::Result<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect((target, PORT)).await?;
        stream.write_all(&request).await?;
        stream.read_u8().await
    };
    net::timeout(PATIENCE, exchange).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn serve(table: Table, followers: &'static [&'static str]) {
    let listener = TcpListener::bind(anywhere(PORT)).await.expect("the port is free");
    while let Ok((mut stream, _)) = listener.accept().await {
        let table = Rc::clone(&table);
        net::spawn(async move {
            let mut request = [0; 2];
            if stream.read_exact(&mut request).await.is_err() {
                return;
            }
            let copies: Vec<_> = followers.iter().map(|follower| net::spawn(ask(follower, request))).collect();
            let mut held = 1;
            for copy in copies {
                held += usize::from(copy.await.is_ok());
            }
            // The leader alone of three is not most of them.
            if followers.is_empty() || held >= 2 {
                table.borrow_mut().insert(request[0], request[1]);
                let _ = stream.write_u8(1).await;
            }
        });
    }
}

/// Writes until it is told that it is written.
async fn write(key: u8, value: u8) -> u32 {
    let mut tries = 1;
    while ask("leader", [key, value]).await.is_err() {
        net::sleep(Duration::from_millis(500)).await;
        tries += 1;
    }
    tries
}

/// One history: writes while partitions come and go. How many tries the writes took.
fn history(seed: u64) -> u32 {
    let lab = lab_of(seed, &["leader", "f1", "f2", "client"]);
    let tables: Vec<Table> = (0..3).map(|_| Table::default()).collect();
    let roles: [(&str, &[&str]); 3] = [("leader", &["f1", "f2"]), ("f1", &[]), ("f2", &[])];
    for ((place, followers), table) in roles.into_iter().zip(&tables) {
        lab.spawn_in(place, serve(Rc::clone(table), followers)).expect(place);
    }
    let mut tries = 0;
    for key in 0..3_u8 {
        let writing = lab.spawn_in("client", write(key, key + 100)).expect("client is there");
        // The seed says who is cut off, and for how long.
        let who = match (seed + u64::from(key)) % 3 {
            0 => ("client", "leader"),
            1 => ("leader", "f1"),
            _ => ("leader", "f2"),
        };
        let apart = lab.partition(&[who.0], &[who.1]).expect("they are there");
        lab.run_for(Duration::from_millis(200 + seed % 7 * 500));
        drop(apart);
        lab.run_until(Duration::from_secs(120), |_| writing.is_done()).expect("the partition ended");
        tries += writing.take().expect("it is done");
        let holders = tables.iter().filter(|table| table.borrow().get(&key) == Some(&(key + 100))).count();
        assert!(holders >= 2, "seed {seed}: what was acknowledged is held by {holders}");
    }
    tries
}

#[test]
fn what_is_acknowledged_is_held_by_most() {
    let tries: Vec<u32> = (0..cases(40)).map(history).collect();
    assert!(tries.iter().any(|tries| *tries > 3), "partitions made no client try again: {tries:?}");
    assert_eq!(history(5), history(5), "the same seed gives the same history");
}
