//! Every name that Terraform files use is declared, every declared variable is used, and every function exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hcl::expr::{ObjectKey, TraversalOperator};
use hcl::structure::{Attribute, Block, Body, Structure};
use hcl::template::{Element, Template};
use hcl::{BlockLabel, Expression};

use super::files::read;

/// What stands for something only where it stands.
const BOUND: [&str; 4] = ["each", "count", "self", "path"];
/// Types of variables.
const TYPES: [&str; 5] = ["string", "number", "bool", "any", "optional"];
/// Functions of Terraform 1.6 that are used here.
const FUNCTIONS: [&str; 27] = [
    "alltrue",
    "can",
    "cidrhost",
    "coalesce",
    "concat",
    "contains",
    "distinct",
    "format",
    "join",
    "jsonencode",
    "keys",
    "length",
    "merge",
    "one",
    "regex",
    "replace",
    "sha256",
    "slice",
    "split",
    "startswith",
    "strcontains",
    "substr",
    "tonumber",
    "toset",
    "tostring",
    "trim",
    "values",
];
/// Constructors of types.
const CONSTRUCTORS: [&str; 4] = ["object", "list", "map", "optional"];

#[derive(Debug, Default)]
struct Module {
    declared: BTreeSet<String>,
    used: BTreeSet<String>,
    functions: BTreeSet<String>,
}

fn bodies(module: &str) -> Vec<Body> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(module);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "tf"));
    paths.map(|path| hcl::parse(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

fn of(module: &str) -> Module {
    let mut found = Module::default();
    for body in bodies(module) {
        for block in body.blocks() {
            found.declare(block);
        }
        found.body(&body, &[]);
    }
    found
}

impl Module {
    fn declare(&mut self, block: &Block) {
        let labels: Vec<_> = block.labels().iter().map(BlockLabel::as_str).collect();
        match (block.identifier(), &labels[..]) {
            ("variable", [name]) => drop(self.declared.insert(format!("var.{name}"))),
            ("resource", [kind, name]) => drop(self.declared.insert(format!("{kind}.{name}"))),
            ("data", [kind, name]) => drop(self.declared.insert(format!("data.{kind}.{name}"))),
            ("locals", []) => {
                let names = block.body().attributes().map(|attribute| format!("local.{}", attribute.key()));
                self.declared.extend(names);
            }
            ("output", [_]) | ("terraform", []) => {}
            other => panic!("what is {other:?}?"),
        }
    }

    fn body(&mut self, body: &Body, bound: &[String]) {
        for structure in body.iter() {
            match structure {
                // Names of resources without their attributes.
                Structure::Attribute(Attribute { key, .. }) if key.as_str() == "ignore_changes" => {}
                Structure::Attribute(attribute) => self.expression(attribute.expr(), bound),
                Structure::Block(block) => {
                    let labels: Vec<_> =
                        block.labels().iter().map(|label| label.as_str().to_owned()).collect();
                    let mut bound = bound.to_vec();
                    if block.identifier() == "dynamic" {
                        bound.extend(labels);
                    }
                    self.body(block.body(), &bound);
                }
            }
        }
    }

    fn expression(&mut self, expression: &Expression, bound: &[String]) {
        match expression {
            Expression::Null | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => {}
            Expression::Array(values) => values.iter().for_each(|value| self.expression(value, bound)),
            Expression::Object(pairs) => {
                for (key, value) in pairs.iter() {
                    if let ObjectKey::Expression(key @ Expression::TemplateExpr(_)) = key {
                        self.expression(key, bound);
                    }
                    self.expression(value, bound);
                }
            }
            Expression::TemplateExpr(template) => {
                for element in Template::from_expr(template).unwrap().elements() {
                    match element {
                        Element::Literal(_) => {}
                        Element::Interpolation(found) => self.expression(&found.expr, bound),
                        other => panic!("what is {other:?}?"),
                    }
                }
            }
            Expression::Variable(name) => self.name(name.as_str(), &[], bound),
            Expression::Traversal(traversal) => {
                let mut path = Vec::new();
                for operator in &traversal.operators {
                    match operator {
                        TraversalOperator::GetAttr(name) => path.push(name.as_str()),
                        TraversalOperator::Index(index) => self.expression(index, bound),
                        _ => {}
                    }
                }
                match &traversal.expr {
                    Expression::Variable(name) => self.name(name.as_str(), &path, bound),
                    other => self.expression(other, bound),
                }
            }
            Expression::FuncCall(call) => {
                self.functions.insert(call.name.name.to_string());
                call.args.iter().for_each(|argument| self.expression(argument, bound));
            }
            Expression::Parenthesis(inner) => self.expression(inner, bound),
            Expression::Conditional(branches) => {
                for part in [&branches.cond_expr, &branches.true_expr, &branches.false_expr] {
                    self.expression(part, bound);
                }
            }
            Expression::Operation(operation) => match &**operation {
                hcl::expr::Operation::Unary(operation) => self.expression(&operation.expr, bound),
                hcl::expr::Operation::Binary(operation) => {
                    self.expression(&operation.lhs_expr, bound);
                    self.expression(&operation.rhs_expr, bound);
                }
            },
            Expression::ForExpr(all) => {
                self.expression(&all.collection_expr, bound);
                let mut bound = bound.to_vec();
                bound.extend(all.key_var.iter().chain([&all.value_var]).map(ToString::to_string));
                for part in all.key_expr.iter().chain([&all.value_expr]).chain(&all.cond_expr) {
                    self.expression(part, &bound);
                }
            }
            other => panic!("what is {other:?}?"),
        }
    }

    fn name(&mut self, name: &str, path: &[&str], bound: &[String]) {
        if TYPES.contains(&name) || BOUND.contains(&name) || bound.iter().any(|known| known == name) {
            return;
        }
        let parts = if name == "data" { 2 } else { 1 };
        let named = path.get(..parts).unwrap_or_else(|| panic!("{name}.{path:?} names nothing"));
        self.used.insert(format!("{name}.{}", named.join(".")));
    }
}

#[test]
fn every_name_in_terraform_is_declared_and_every_variable_is_used() {
    for folder in ["deploy/terraform", "deploy/terraform/ecs"] {
        let module = of(folder);
        assert!(module.used.len() > 20, "{module:?}");
        let unknown: Vec<_> = module.used.difference(&module.declared).collect();
        assert!(unknown.is_empty(), "{folder}: {unknown:?}");
        let unused = module.declared.difference(&module.used);
        let unused: Vec<_> =
            unused.filter(|name| name.starts_with("var.") || name.starts_with("local.")).collect();
        assert!(unused.is_empty(), "{folder}: {unused:?}");
        let known = FUNCTIONS.iter().chain(&CONSTRUCTORS).map(|name| (*name).to_owned()).collect();
        let unknown: Vec<_> = module.functions.difference(&known).collect();
        assert!(unknown.is_empty(), "{folder}: {unknown:?}");
    }
}

/// The attributes of a block that are names of variables.
fn given(block: &Block) -> BTreeSet<String> {
    let names = block.body().attributes().map(|attribute| attribute.key().to_owned());
    names.filter(|name| name != "source").collect()
}

#[test]
fn the_readme_gives_each_module_what_it_needs_and_knows() {
    let readme = read("deploy/README.md");
    let shown = readme.split("```hcl\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: Body = hcl::parse(shown).unwrap();
    let mut outputs = BTreeSet::new();
    for (name, folder) in [("cluster", "deploy/terraform"), ("service", "deploy/terraform/ecs")] {
        let call = shown.blocks().find(|block| block.labels()[0].as_str() == name).unwrap();
        let (mut known, mut needed) = (BTreeSet::new(), BTreeSet::new());
        let bodies = bodies(folder);
        for block in bodies.iter().flat_map(Body::blocks) {
            let label = block.labels().first().map(|label| label.as_str().to_owned());
            match block.identifier() {
                "variable" => {
                    let has_default = block.body().attributes().any(|attribute| attribute.key() == "default");
                    needed.extend(label.clone().filter(|_| !has_default));
                    known.extend(label);
                }
                "output" => outputs.extend(label.map(|label| format!("module.{name}.{label}"))),
                _ => {}
            }
        }
        let given = given(call);
        assert_eq!(given.difference(&known).count(), 0, "{name}: {given:?}");
        assert_eq!(needed.difference(&given).collect::<Vec<_>>(), Vec::<&String>::new(), "{name}");
    }
    for word in readme.split(|c: char| c.is_whitespace() || "`,()".contains(c)) {
        if word.starts_with("module.") {
            assert!(outputs.contains(word), "{word}");
        }
    }
}
