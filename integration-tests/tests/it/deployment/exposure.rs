//! Who reaches what: of the load balancer's addresses, paths and names, each evaluated as Terraform would.

use std::fs;
use std::path::Path;

use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};
use hcl::{Expression, Value};

use super::files::{each, read, terraform, text};

const ECS: &str = "deploy/terraform/ecs";

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Functions of Terraform, as far as these expressions use them. The digest only has to differ.
fn functions(context: &mut Context<'_>) {
    let mut declare =
        |name: &str, parameters: &[ParamType], function: fn(FuncArgs) -> Result<Value, String>| {
            let mut definition = FuncDef::builder();
            for parameter in parameters {
                definition = definition.param(parameter.clone());
            }
            context.declare_func(name, definition.build(function));
        };
    let (text, number) = (ParamType::String, ParamType::Number);
    let [one, two] = [vec![text.clone()], vec![text.clone(), text.clone()]];
    declare("replace", &[text.clone(), text.clone(), text.clone()], |of| {
        Ok(word(&of[0]).replace(&word(&of[1]), &word(&of[2])).into())
    });
    declare("trim", &two, |of| Ok(word(&of[0]).trim_matches(word(&of[1]).chars().next().unwrap()).into()));
    declare("startswith", &two, |of| Ok(word(&of[0]).starts_with(&word(&of[1])).into()));
    declare("strcontains", &two, |of| Ok(word(&of[0]).contains(&word(&of[1])).into()));
    declare("split", &two, |of| {
        Ok(Value::from(word(&of[1]).split(&word(&of[0])).map(str::to_owned).collect::<Vec<_>>()))
    });
    declare("tonumber", &one, |of| Ok(word(&of[0]).parse::<u64>().unwrap().into()));
    declare("length", &one, |of| Ok((word(&of[0]).len() as u64).into()));
    declare("substr", &[text.clone(), number.clone(), number], |of| {
        let (from, most) = (of[1].as_u64().unwrap() as usize, of[2].as_u64().unwrap() as usize);
        Ok(word(&of[0]).chars().skip(from).take(most).collect::<String>().into())
    });
    declare("sha256", &one, |of| {
        let sum = word(&of[0]).bytes().fold(7u64, |sum, byte| sum.wrapping_mul(1_000_003) ^ u64::from(byte));
        Ok(format!("{:016x}", sum.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into())
    });
}

/// Evaluates locals of the module `ecs`, in this order, with these variables.
fn locals(names: &[&str], variables: Value) -> Value {
    let declared = terraform(ECS)["locals"].take();
    let mut context = Context::new();
    functions(&mut context);
    context.declare_var("var", variables);
    let mut found = hcl::Map::new();
    for name in names {
        let declared = text(&declared[*name]);
        let whole = declared.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let expression = match whole.map(str::parse::<Expression>) {
            Some(Ok(expression)) => expression,
            _ => Expression::from(hcl::expr::TemplateExpr::from(declared)),
        };
        context.declare_var("local", Value::Object(found.clone()));
        found.insert((*name).to_owned(), expression.evaluate(&context).unwrap());
    }
    found.swap_remove(names[names.len() - 1]).unwrap()
}

fn short(name: &str) -> String {
    let variables = hcl::value!({ name = name });
    word(&locals(&["hyphened", "reserved", "fits", "digest", "start", "short"], variables))
}

#[test]
fn the_load_balancer_has_names_that_it_may_have_whatever_the_cluster_is_called() {
    let module = terraform(ECS);
    let resources = &module["resource"];
    assert_eq!(resources["aws_lb"]["clients"]["name"], "${local.short}-clients");
    assert_eq!(resources["aws_lb_target_group"]["instances"]["name"], "${local.short}-instances");
    assert_eq!((short("a2a"), short("a2a-prod")), ("a2a".to_owned(), "a2a-prod".to_owned()));
    let long = "a2a-of-the-department-of-long-names";
    let names =
        ["a2a_prod", "a_b", "internal", "internal-x", "internal-y", long, &long.replace("names", "words")];
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        for whole in [format!("{}-clients", short(name)), format!("{}-instances", short(name))] {
            assert!(
                whole.len() <= 32 && !whole.starts_with(['-']) && !whole.starts_with("internal-"),
                "{whole}"
            );
            assert!(whole.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{whole}");
            assert!(seen.insert(whole), "{name}");
        }
    }
}

#[test]
fn whoever_names_callers_is_never_anybody() {
    let module = terraform(ECS);
    assert_eq!(module["variable"]["client_cidrs"].get("default"), None);
    let anybody = |cidrs: &[&str]| {
        let cidrs: Vec<Value> = cidrs.iter().map(|cidr| Value::from(*cidr)).collect();
        let found = locals(&["anybody"], hcl::value!({ client_cidrs = cidrs }));
        found.as_array().unwrap().len()
    };
    assert_eq!(anybody(&["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3"]), 5);
    assert_eq!(anybody(&["10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32"]), 0);

    let rule = &module["resource"]["aws_vpc_security_group_ingress_rule"]["clients"];
    let refusal = &rule["lifecycle"]["precondition"]["condition"];
    assert_eq!(*refusal, "${!local.header_is_trusted || length(local.anybody) == 0}");
    // By the variable, by the environment, or as a secret.
    let trusted = text(&module["locals"]["header_is_trusted"]);
    assert!(trusted.contains("merge(local.environment, var.secrets)"), "{trusted}");
    assert!(trusted.contains("\"A2A_PRINCIPAL_HEADER\""), "{trusted}");
    for (_, variable) in module["variable"].as_object().unwrap() {
        assert!(!variable["default"].to_string().contains("/0\""), "{variable}");
    }
}

#[test]
fn metrics_and_health_are_not_for_clients_of_any_proxy() {
    let module = terraform(ECS);
    let resources = &module["resource"];
    let rule = &resources["aws_lb_listener_rule"]["not_for_clients"];
    assert_eq!(rule["listener_arn"], "${aws_lb_listener.https.arn}");
    let hidden = ["/metrics", "/healthz", "/readyz"];
    assert_eq!(rule["condition"]["path_pattern"]["values"], serde_json::json!(hidden));
    assert_eq!(rule["action"]["fixed_response"]["status_code"], "404");
    assert!(resources["aws_lb_target_group"]["instances"]["health_check"]["path"] == "/readyz");
    let proxy = read("deploy/docker/nginx.conf");
    assert!(proxy.contains("location ~ ^/(metrics|healthz|readyz)$ {\n            return 404;"), "{proxy}");
}

#[test]
fn a_deployment_leaves_streams_the_time_that_a_stop_leaves_agents() {
    let module = terraform(ECS);
    let group = &module["resource"]["aws_lb_target_group"]["instances"];
    assert_eq!(group["deregistration_delay"], "${local.deregistration_delay}");
    let delay = &module["locals"]["deregistration_delay"];
    assert_eq!(*delay, "${coalesce(var.deregistration_delay, local.stops_within)}");
    assert_eq!(module["variable"]["deregistration_delay"]["default"], serde_json::Value::Null);
    let variables = hcl::value!({ drain_delay = 10, shutdown_grace = 90 });
    assert_eq!(locals(&["stops_within"], variables).as_u64(), Some(105));
}

#[test]
fn no_partition_or_account_is_written_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for folder in ["deploy/terraform", ECS, "deploy/cloudformation"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                seen += 1;
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains("arn:aws"), "{}", path.display());
                let digits = text.split(|c: char| !c.is_ascii_digit());
                assert!(digits.into_iter().all(|word| word.len() != 12), "{}", path.display());
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn instances_are_reached_by_the_load_balancer_only() {
    let module = terraform(ECS);
    let rules = module["resource"]["aws_vpc_security_group_ingress_rule"].as_object().unwrap();
    let into =
        rules.values().filter(|rule| rule["security_group_id"] == "${aws_security_group.instances.id}");
    let from: Vec<_> = into.flat_map(|rule| each(&rule["referenced_security_group_id"])).collect();
    assert_eq!(from, ["${aws_security_group.balancer.id}"]);
    for rule in rules.values() {
        assert!(!rule["cidr_ipv4"].as_str().unwrap_or_default().contains("/0"), "{rule}");
    }
}
