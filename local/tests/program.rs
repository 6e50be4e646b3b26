//! The program as a shell calls it. That there is such a test also makes `cargo test` build the program, which the
//! crash tests of the package `tests` start.

use std::process::{Command, Output};

fn call(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local")).args(words).output().expect("the program was built for this test")
}

#[test]
fn help_is_a_result_and_a_mistake_is_not() {
    let help = call(&["help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("cargo run -p local"));
    let mistake = call(&["rest"]);
    assert_eq!(mistake.status.code(), Some(2));
    assert!(mistake.stdout.is_empty() && String::from_utf8_lossy(&mistake.stderr).contains("`rest`"));
}
