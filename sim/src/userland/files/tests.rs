use super::*;

fn files() -> Files {
    let mut files = Files::default();
    files.make_directory("/etc");
    files.write("/etc/hosts", "127.0.0.1\tlocalhost\n").unwrap();
    files
}

#[test]
fn a_file_needs_its_directory_and_links_are_followed() {
    let mut files = Files::default();
    assert_eq!(files.write("/etc/hosts", "x"), Err(Errno::NoEntry));
    files.make_directory("/etc");
    files.write("/etc/hosts", "127.0.0.1\tlocalhost\n").unwrap();
    files.link("/etc/alias", "hosts");
    assert_eq!(files.text("/etc/../etc//alias"), "127.0.0.1\tlocalhost\n");
    assert_eq!(files.read("/etc"), Err(Errno::IsDirectory));
    assert_eq!(files.list("/etc"), ["alias", "hosts"]);
    assert_eq!(files.view().target("/etc/alias").as_deref(), Some("hosts"));
    assert_eq!(files.read("/etc/hosts/x"), Err(Errno::NotDirectory));
}

#[test]
fn links_are_followed_on_the_way_too() {
    let mut files = Files::default();
    files.make_directory("/run");
    files.link("/var/run", "/run");
    files.make_directory("/var/run/netns");
    files.link("/var/run/netns/187", "/proc/187/ns/net");
    assert_eq!(files.list("/run/netns"), ["187"]);
    assert_eq!(files.view().resolve("/var/run/netns/187"), "/proc/187/ns/net");
    assert!(files.remove("/var/run/netns/187") && files.list("/run/netns").is_empty());
    files.link("/a", "/b");
    files.link("/b", "/a");
    assert_eq!(files.read("/a"), Err(Errno::TooManyLinks));
}

#[test]
fn an_image_is_shared_until_somebody_changes_it() {
    let mut image = files();
    image.freeze();
    let (mut one, two) = (image.clone(), image.clone());
    one.write("/etc/hosts", "mine").unwrap();
    assert!(one.remove("/etc/hosts"));
    one.write("/etc/new", "x").unwrap();
    assert_eq!((one.list("/etc"), two.list("/etc")), (vec!["new".to_owned()], vec!["hosts".to_owned()]));
    assert_eq!(two.root().usage(), (0, 0));
    assert_eq!(one.root().usage(), (1, 2));
}

#[test]
fn names_move_and_count() {
    let mut files = files();
    let mut change = files.view_mut();
    change.hard_link("/etc/hosts", "/copy").unwrap();
    assert_eq!(change.view().stat("/copy").unwrap().links, 2);
    change.rename("/copy", "/etc/moved").unwrap();
    change.unlink("/etc/hosts").unwrap();
    assert_eq!(change.view().text("/etc/moved"), "127.0.0.1\tlocalhost\n");
    assert_eq!(change.rename("/etc", "/etc/below"), Err(Errno::Invalid));
    assert_eq!(change.remove_directory("/etc"), Err(Errno::NotEmpty));
    assert_eq!(change.unlink("/etc"), Err(Errno::IsDirectory));
    change.make("/new", Made::Directory, 0o700).unwrap();
    change.rename("/etc", "/new").unwrap();
    assert_eq!(change.view().list("/"), ["new"]);
    assert_eq!(change.view().stat("/").unwrap().links, 3);
}

#[test]
fn a_filesystem_is_bounded() {
    let mut files = files();
    let big = vec![0; usize::try_from(BYTES_MAX).unwrap()];
    assert_eq!(files.write("/big", &big), Err(Errno::NoSpace));
    assert_eq!(files.write("/big", &big[1024..]), Ok(()));
    assert!(files.remove("/big"));
    assert_eq!(files.write("/big", &big[1024..]), Ok(()));
    assert_eq!(files.write(&format!("/{}", "x".repeat(256)), ""), Err(Errno::NameTooLong));
}

#[test]
fn a_volume_is_seen_where_it_is_mounted() {
    let mut volumes = Volumes::default();
    let volume = volumes.create();
    let (mut one, mut two) = (files(), files());
    one.mount_volume("/data", volume, Access::ReadWrite);
    two.mount_volume("/mnt/x", volume, Access::ReadOnly);
    let mut writer = ViewMut { files: &mut one, volumes: Some(&mut volumes), now: Stamp(7), user: None };
    writer.write("/data/a", "hello").unwrap();
    assert_eq!(writer.rename("/data/a", "/etc/a"), Err(Errno::CrossDevice));
    assert_eq!(writer.view().list("/"), ["data", "etc"]);
    let mut reader = ViewMut { files: &mut two, volumes: Some(&mut volumes), now: Stamp(8), user: None };
    assert_eq!(reader.view().text("/mnt/x/a"), "hello");
    assert_eq!(reader.write("/mnt/x/a", "no"), Err(Errno::ReadOnly));
    assert_eq!(reader.view().stat("/mnt/x/a").unwrap().mtime, Stamp(7));
}

#[test]
fn a_directory_of_one_place_can_be_shared_with_another() {
    let mut volumes = Volumes::default();
    let (mut host, mut container) = (files(), Files::default());
    let shared = host.share("/etc", &mut volumes).unwrap();
    container.mount_shared("/config", shared, Access::ReadWrite);
    let mut writer = ViewMut { files: &mut container, volumes: Some(&mut volumes), now: Stamp(1), user: None };
    writer.append("/config/hosts", b"10.0.0.1\tc1\n").unwrap();
    assert_eq!(host.share("/etc", &mut volumes), Ok(shared));
    let file = host.share("/etc/hosts", &mut volumes).unwrap();
    container.mount_shared("/just", file, Access::ReadOnly);
    let view = View { files: &container, volumes: Some(&volumes), kernel: None, user: None };
    assert_eq!(view.text("/just"), "127.0.0.1\tlocalhost\n10.0.0.1\tc1\n");
}

#[test]
fn a_tree_goes_out_as_entries_and_comes_back() {
    let mut files = files();
    files.link("/etc/alias", "hosts");
    files.view_mut().hard_link("/etc/hosts", "/etc/second").unwrap();
    files.view_mut().set_mode("/etc/hosts", 0o640).unwrap();
    let entries = files.view().export("/etc").unwrap();
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["", "alias", "hosts", "second"]);
    let mut other = Files::default();
    for entry in &entries {
        other.view_mut().import("/copy", entry).unwrap();
    }
    assert_eq!(other.view().export("/copy").unwrap(), entries);
    let climbing = Entry { path: "../../up".to_owned(), ..entries[2].clone() };
    other.view_mut().import("/copy", &climbing).unwrap();
    assert!(other.view().exists("/copy/up") && !other.view().exists("/up"));
}
