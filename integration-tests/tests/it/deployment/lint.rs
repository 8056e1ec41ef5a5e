//! What AWS's own checker says of the template: properties, types, references, permitted values.

use std::process::Command;

use integration_tests::clients;

const CHECKER: &str = "cfn-lint==1.58.0";
const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/cloudformation/cluster.yaml");

#[test]
fn cfn_lint_finds_nothing_wrong_with_the_template() {
    let Some(python) = clients::python_with("cfn-lint-venv", CHECKER) else { return };
    let checked = Command::new(python.with_file_name("cfn-lint")).arg(TEMPLATE).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}
