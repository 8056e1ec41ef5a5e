//! The image and what runs beside it: whose versions are named, and as whom they run.

use super::files::{each, read, text, yaml};

#[test]
fn every_image_has_a_version_that_can_be_given_by_its_digest() {
    let file = read("deploy/docker/Dockerfile");
    let bases: Vec<_> = file.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(bases, ["${RUST} AS build", "${BASE}"]);
    let default = |name: &str| {
        let line = file.lines().find_map(|line| line.strip_prefix(&format!("ARG {name}=")));
        line.unwrap().to_owned()
    };
    // The compiler is the one that the workspace asks for at least.
    let wanted = read("integration-tests/Cargo.toml");
    let wanted = wanted
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    assert_eq!(default("RUST"), format!("rust:{wanted}-slim-bookworm"));
    assert!(default("BASE").ends_with("-debian12:nonroot"), "{}", default("BASE"));

    let compose = yaml("deploy/docker/compose.yaml");
    for (name, service) in compose["services"].as_object().unwrap() {
        let image = text(&service["image"]);
        let version = image.rsplit_once(':').map(|(_, version)| version);
        assert!(image == "a2a-node" || version.is_some_and(|version| version != "latest"), "{name}: {image}");
    }
}

#[test]
fn what_is_built_follows_from_the_sources_alone() {
    let file = read("deploy/docker/Dockerfile");
    let build = file.split_once("\nRUN ").unwrap().1.split("\nFROM ").next().unwrap();
    for part in ["--locked", "CARGO_INCREMENTAL=0", "--remap-path-prefix=/src=", "@${SOURCE_DATE_EPOCH}"] {
        assert!(build.contains(part), "{part}");
    }
    // The registry's sources are named by digests; what an earlier build compiled is not.
    let cached: Vec<_> = build
        .split("type=cache,target=")
        .skip(1)
        .map(|rest| rest.split([' ', '\n']).next().unwrap())
        .collect();
    assert_eq!(cached, ["/usr/local/cargo/registry"]);
    assert!(
        !file.contains("apt-get") && !file.contains("ADD ") && !file.contains("curl -"),
        "nothing is fetched beside"
    );
}

#[test]
fn nothing_runs_as_root_but_the_emulator() {
    let file = read("deploy/docker/Dockerfile");
    let last = file.rsplit("\nFROM ").next().unwrap();
    assert!(last.lines().any(|line| line == "USER 65532:65532"), "{last}");
    let services = yaml("deploy/docker/compose.yaml")["services"].take();
    for name in ["node-1", "node-2", "node-3", "proxy"] {
        let service = &services[name];
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(each(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(each(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
    }
    assert_eq!(services["proxy"]["user"], "101:101");
    let proxy = read("deploy/docker/nginx.conf");
    let paths = proxy.lines().filter(|line| line.contains("_temp_path ") || line.starts_with("pid "));
    assert_eq!(paths.filter(|line| line.contains(" /tmp/")).count(), 6, "it writes to /tmp only");
}

/// Blocks and statements of nginx: as many ends as beginnings, and a semicolon behind each statement.
#[test]
fn the_proxys_configuration_is_whole() {
    let mut depth = 0;
    for line in read("deploy/docker/nginx.conf").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.chars().last().unwrap() {
            '{' => depth += 1,
            '}' => depth -= 1,
            end => assert_eq!(end, ';', "{line}"),
        }
        assert!(depth >= 0, "{line}");
    }
    assert_eq!(depth, 0);
}
