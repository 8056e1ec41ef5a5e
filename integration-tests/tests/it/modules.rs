//! Inside a crate the arrows between modules point one way, too: no circles between those that lie beside each other at
//! the top of a crate, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// What one module at the top of a crate names of its crate.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Reads one crate's sources.
struct Crate {
    /// The modules at its top.
    modules: BTreeSet<String>,
    /// What its root re-exports, and from which module.
    exported: BTreeMap<String, String>,
    src: PathBuf,
}

impl Crate {
    fn read(src: PathBuf) -> Self {
        let root = ["lib.rs", "main.rs"].map(|name| src.join(name)).into_iter().find(|path| path.exists());
        let root = parse(&root.unwrap());
        let is_module = |item: &Item| match item {
            Item::Mod(module) if !is_test(&module.attrs) => Some(module.ident.to_string()),
            _ => None,
        };
        let modules: BTreeSet<String> = root.items.iter().filter_map(is_module).collect();
        let mut exported = BTreeMap::new();
        for item in &root.items {
            if let Item::Use(item) = item
                && !matches!(item.vis, Visibility::Inherited)
            {
                for path in paths(&item.tree) {
                    let (Some(module), Some(name)) = (path.iter().find(|part| *part != "crate"), path.last())
                    else {
                        continue;
                    };
                    exported.insert(name.clone(), module.clone());
                }
            }
        }
        Crate { modules, exported, src }
    }

    /// What each module names.
    fn arrows(&self) -> Arrows {
        self.modules.iter().map(|module| (module.clone(), self.named_by(module))).collect()
    }

    fn named_by(&self, module: &str) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for file in files_of(&self.src, module) {
            let depth = depth_of(&self.src, &file);
            let mut found = Named { depth, paths: Vec::new() };
            found.visit_file(&parse(&file));
            for path in found.paths {
                let Some(first) = path.first() else { continue };
                let target =
                    if self.modules.contains(first) { Some(first) } else { self.exported.get(first) };
                named.extend(target.filter(|target| *target != module).cloned());
            }
        }
        named
    }
}

/// The files of a module: its own, and those of its folder.
fn files_of(src: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let own = src.join(format!("{module}.rs"));
    if own.exists() {
        files.push(own);
    }
    let mut folders = vec![src.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.file_stem().unwrap() == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// How many `super`s lead from a file's module to the root of its crate.
fn depth_of(src: &Path, file: &Path) -> usize {
    let inside = file.strip_prefix(src).unwrap();
    let folders = inside.components().count() - 1;
    if inside.file_stem().unwrap() == "mod" { folders } else { folders + 1 }
}

fn parse(file: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut tests = false;
        if attribute.path().is_ident("cfg") {
            let _ = attribute.parse_nested_meta(|meta| {
                tests |= meta.path.is_ident("test");
                Ok(())
            });
        }
        tests
    })
}

/// Every path of a use declaration.
fn paths(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => {
            let inner = paths(&path.tree).into_iter();
            inner.map(|rest| [vec![path.ident.to_string()], rest].concat()).collect()
        }
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(name) => vec![vec![name.ident.to_string()]],
        UseTree::Glob(_) => vec![vec![]],
        UseTree::Group(group) => group.items.iter().flat_map(paths).collect(),
    }
}

/// Collects the paths that lead to the crate's root and on from there, without `crate` and `super`.
struct Named {
    depth: usize,
    paths: Vec<Vec<String>>,
}

impl Named {
    fn add(&mut self, path: &[String]) {
        let from_root = match path {
            [first, rest @ ..] if first == "crate" => rest,
            _ => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                if ups < self.depth || ups == 0 {
                    return;
                }
                &path[ups..]
            }
        };
        self.paths.push(from_root.to_vec());
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for path in paths(&item.tree) {
            self.add(&path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.add(&parts);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        // What a macro is given is no syntax yet; paths in it are found by their words.
        let words: Vec<String> = called.tokens.to_string().split_whitespace().map(str::to_owned).collect();
        for (at, word) in words.iter().enumerate() {
            if word == "crate" && words.get(at + 1).is_some_and(|next| next == "::") {
                let named = words.get(at + 2).cloned().into_iter();
                self.add(&std::iter::once("crate".to_owned()).chain(named).collect::<Vec<_>>());
            }
        }
        visit::visit_macro(self, called);
    }
}

/// The modules that lie on a circle: those from which arrows lead back to themselves.
fn on_a_circle(arrows: &Arrows) -> Vec<String> {
    let leads_back = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = arrows[start].iter().collect();
        while let Some(module) = next.pop() {
            if module == start {
                return true;
            }
            if seen.insert(module) {
                next.extend(arrows.get(module).into_iter().flatten());
            }
        }
        false
    };
    arrows.keys().filter(|module| leads_back(module)).cloned().collect()
}

fn crates() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let entries = fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let mut crates: Vec<_> = entries.filter(|path| path.join("Cargo.toml").exists()).collect();
    crates.sort();
    assert!(crates.len() > 9, "the workspace was not found: {crates:?}");
    crates.into_iter().map(|path| path.join("src")).collect()
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    let mut circles = Vec::new();
    for src in crates() {
        let arrows = Crate::read(src.clone()).arrows();
        let around = on_a_circle(&arrows);
        if !around.is_empty() {
            let between: Vec<_> = around
                .iter()
                .map(|module| {
                    (module, arrows[module].iter().filter(|to| around.contains(to)).collect::<Vec<_>>())
                })
                .collect();
            circles.push(format!("{}: {between:?}", src.display()));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn the_ground_of_the_cluster_knows_none_of_its_siblings() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let known = Crate::read(top.join("a2a-cluster/src")).arrows().remove("ground").unwrap();
    assert!(known.is_empty(), "{known:?}");
}

/// What of a task decides what becomes of it.
const FACTS: [&str; 7] =
    ["TaskState", "ends_turn", "is_terminal", "is_interrupted", "status.state", "head.claim", "head.state"];

#[test]
fn the_shell_of_the_actors_looks_at_no_state_of_a_task() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let core = top.join("a2a-cluster/src/actor/core");
    let shell = files_of(&top.join("a2a-cluster/src"), "actor");
    let shell: Vec<_> = shell.iter().filter(|file| !file.starts_with(&core)).collect();
    assert!(shell.len() > 6, "{shell:?}");
    for file in shell {
        let source = fs::read_to_string(file).unwrap();
        let named: Vec<_> = FACTS.into_iter().filter(|fact| source.contains(fact)).collect();
        assert!(named.is_empty(), "{file:?} names {named:?}: that is the core's to look at");
    }
}

#[test]
fn a_circle_is_found() {
    let arrows = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"]), ("d", vec!["a"])];
    let named = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let arrows = arrows.into_iter().map(|(from, to)| (from.to_owned(), named(to))).collect();
    assert_eq!(on_a_circle(&arrows), ["b", "c"]);
}
