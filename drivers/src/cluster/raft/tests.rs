//! Stories of managers whose words are carried from hand to hand.

use netyard_sim::rng::Seed;

use super::*;

/// Members by name, with what each was told to propose as a leader.
struct Table {
    now: Instant,
    members: BTreeMap<String, Raft>,
    /// Who cannot be reached.
    cut: BTreeSet<String>,
}

impl Table {
    /// `a` leads; the others know nothing yet.
    fn of(names: &[&str]) -> Self {
        let mut store = Store::default();
        for (at, name) in names.iter().enumerate() {
            store.put(&format!("{MEMBERS}{name}"), format!("192.0.2.{at}:2377"));
        }
        let rng = |name: &str| Seed(1).stream(name);
        let now = Instant::ZERO;
        let member = |name: &&str| ((*name).to_owned(), Raft::newcomer((*name).to_owned(), now, rng(name)));
        let mut members: BTreeMap<String, Raft> = names.iter().map(member).collect();
        let mut leader = Raft::alone("a".to_owned(), 1, store, rng("a"));
        leader.meet_members(now);
        members.insert("a".to_owned(), leader);
        let mut table = Self { now, members, cut: BTreeSet::new() };
        table.talk();
        table
    }

    /// Everybody says what is due, until nobody has anything to say.
    fn talk(&mut self) {
        for _ in 0..100 {
            let names: Vec<String> = self.members.keys().cloned().collect();
            let mut any = false;
            for name in names {
                let now = self.now;
                for (to, _, said) in self.member(&name).poll(now) {
                    any = true;
                    self.carry(&name, &to, said);
                }
            }
            if !any {
                return;
            }
        }
        panic!("they talk without end");
    }

    fn carry(&mut self, from: &str, to: &str, said: Said) {
        let now = self.now;
        let is_cut = [from, to].iter().any(|end| self.cut.contains(*end));
        let answer = if is_cut { None } else { self.member(to).answer(now, said) };
        match answer {
            Some(answer) => self.member(from).take_in(now, to, &answer),
            None => self.member(from).not_reached(now, to),
        }
    }

    fn member(&mut self, name: &str) -> &mut Raft {
        self.members.get_mut(name).expect("it is one of them")
    }

    /// So many seconds pass.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.now += Duration::from_millis(100);
            self.talk();
        }
    }

    /// A leader sets a value; whether a majority has it then.
    fn put(&mut self, name: &str, key: &str) -> bool {
        let now = self.now;
        let raft = self.member(name);
        let mut store = raft.latest();
        store.put(key, name.to_owned());
        let changes = store.changes(raft.proposed(), "").unwrap().cloned().collect();
        raft.propose(now, changes);
        self.talk();
        self.member(name).store().get(key).is_some()
    }

    fn leaders(&self) -> Vec<&str> {
        self.members.iter().filter(|(_, raft)| raft.is_leader()).map(|(name, _)| name.as_str()).collect()
    }

    /// Who has a value with a majority.
    fn having(&self, key: &str) -> Vec<&str> {
        self.members.iter().filter(|(_, raft)| raft.store().get(key).is_some()).map(|(name, _)| name.as_str()).collect()
    }
}

#[test]
fn what_the_leader_says_all_of_them_have() {
    let mut table = Table::of(&["a", "b", "c"]);
    assert!(table.put("a", "k"));
    assert_eq!((table.having("k"), table.leaders()), (vec!["a", "b", "c"], vec!["a"]));
    table.pass(60);
    assert_eq!((table.leaders(), table.members["c"].leader()), (vec!["a"], Some("a")));
}

#[test]
fn a_leader_that_is_cut_off_changes_nothing_and_another_one_leads() {
    let mut table = Table::of(&["a", "b", "c"]);
    table.cut.insert("a".to_owned());
    assert!(!table.put("a", "lost"));
    table.pass(9);
    assert_eq!(table.leaders(), ["a"]);
    assert!(!table.members["a"].reaches(table.now, "b"));
    table.pass(16);
    let leaders = table.leaders();
    assert_eq!(leaders.len(), 1, "{leaders:?}");
    let leader = leaders[0].to_owned();
    assert!(leader != "a" && table.put(&leader, "kept"));
    table.cut.clear();
    table.pass(3);
    assert_eq!(table.leaders(), [leader], "who comes back disturbs nobody");
    assert_eq!((table.having("kept"), table.having("lost")), (vec!["a", "b", "c"], vec![]));
}

#[test]
fn half_of_them_are_too_few() {
    let mut table = Table::of(&["a", "b"]);
    table.cut.insert("b".to_owned());
    table.pass(60);
    assert_eq!(table.leaders(), [] as [&str; 0]);
    assert_eq!(table.member("a").leader(), None);
    table.cut.clear();
    table.pass(25);
    assert_eq!(table.leaders().len(), 1);
}

#[test]
fn who_was_away_for_long_is_told_all() {
    let mut table = Table::of(&["a", "b", "c"]);
    table.cut.insert("c".to_owned());
    for number in 0..600 {
        assert!(table.put("a", &format!("k{number}")));
    }
    table.cut.clear();
    table.pass(3);
    assert_eq!(table.having("k0"), ["a", "b", "c"]);
    assert_eq!(table.members["a"].store().revision(), table.members["c"].store().revision());
}

#[test]
fn members_come_and_go_one_at_a_time() {
    let mut table = Table::of(&["a"]);
    for (at, name) in ["b", "c"].into_iter().enumerate() {
        let rng = Seed(2).stream(name);
        table.members.insert(name.to_owned(), Raft::newcomer(name.to_owned(), table.now, rng));
        let now = table.now;
        let raft = table.member("a");
        let mut store = raft.latest();
        store.put(&format!("{MEMBERS}{name}"), format!("192.0.2.{}:2377", at + 1));
        let changes = store.changes(raft.proposed(), "").unwrap().cloned().collect();
        raft.propose(now, changes);
        table.talk();
        assert!(table.put("a", name));
    }
    assert_eq!(table.having("c"), ["a", "b", "c"]);
    table.cut.insert("a".to_owned());
    table.pass(30);
    assert!(table.leaders() == ["b"] || table.leaders() == ["c"]);
}

#[test]
fn a_leader_hands_over_at_once() {
    let mut table = Table::of(&["a", "b", "c"]);
    table.member("a").hand_over();
    table.pass(2);
    let leaders = table.leaders();
    assert!(leaders.len() == 1 && leaders[0] != "a", "{leaders:?}");
}

#[test]
fn strangers_and_nonsense_change_nothing() {
    let mut table = Table::of(&["a", "b"]);
    let (now, last) = (table.now, Position { term: 9, revision: 9 });
    let from = |name: &str| name.to_owned();
    let vote = Said::Vote { term: u64::MAX, from: from("z"), last, is_canvass: false, handed_over: true };
    assert_eq!(table.member("b").answer(now, vote), None);
    let change = |revision| Change { revision, key: "k".to_owned(), value: None, lease: None };
    for changes in [vec![], vec![change(0)], vec![change(9), change(3)]] {
        let (before, entries) = (Position::default(), vec![Entry { term: 1, changes }]);
        let said = Said::Append { term: 1, from: from("a"), before, entries, known: u64::MAX };
        let answer = table.member("b").answer(now, said);
        assert!(matches!(answer, Some(Said::Heard { agrees: false, .. })), "{answer:?}");
    }
    table.pass(5);
    assert!(table.put("a", "k"));
}

/// Members come and go, cables break and are mended: two never lead in one term, and nothing is lost that a majority had.
#[test]
fn whatever_happens_they_agree() {
    for seed in 0..40 {
        let mut chance = Seed(seed).stream("chance");
        let names = ["a", "b", "c", "d", "e"];
        let mut table = Table::of(&names);
        let mut kept = Vec::new();
        for step in 0..60 {
            let whom = names[usize::try_from(chance.below(5)).unwrap()];
            match chance.below(4) {
                0 => drop(table.cut.insert(whom.to_owned())),
                1 => table.cut.clear(),
                2 => {
                    let now = table.now;
                    table.member(whom).restart(now);
                }
                _ => {}
            }
            table.pass(chance.below(9));
            let leaders: Vec<String> = table.leaders().into_iter().map(str::to_owned).collect();
            let terms: BTreeSet<u64> = leaders.iter().map(|name| table.members[name].term()).collect();
            assert_eq!(terms.len(), leaders.len(), "seed {seed}, step {step}: two leaders of one term");
            for leader in leaders {
                let key = format!("{leader}{step}");
                if table.put(&leader, &key) {
                    kept.push(key);
                }
            }
        }
        table.cut.clear();
        table.pass(60);
        let leader = table.leaders()[0].to_owned();
        assert!(table.put(&leader, "last"), "seed {seed}");
        table.pass(2);
        for key in kept {
            assert_eq!(table.having(&key), names, "seed {seed}: {key} is lost");
        }
    }
}
